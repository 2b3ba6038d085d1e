#include "search/filter.h"

#include <algorithm>
#include <array>
#include <compare>
#include <functional>
#include <span>

#include "base/json.h"
#include "search/filter_expression.h"

namespace vecdb {

namespace {

using Value = std::variant<FilterNull, bool, FilterNumber, Instant, std::string_view>;
using Ordering = std::partial_ordering;

// How a value stands to a literal; `unordered` for values of different kinds. A literal that is no
// string takes a string for what it spells: columns of a CSV and the values of --meta are strings.
Ordering compare(const Value& value, const FilterLiteral& literal) {
  const auto* text = std::get_if<std::string_view>(&value);
  const auto compared = [](const auto* a, const auto& b) -> Ordering {
    return a == nullptr ? Ordering::unordered : Ordering(*a <=> b);
  };
  if (const auto* wanted = std::get_if<std::string>(&literal)) {
    return compared(text, std::string_view(*wanted));
  }
  if (const auto* wanted = std::get_if<FilterNumber>(&literal)) {
    if (text == nullptr) return compared(std::get_if<FilterNumber>(&value), *wanted);
    const auto number = parse_filter_number(*text);
    return compared(number ? &*number : nullptr, *wanted);
  }
  if (const auto* wanted = std::get_if<Instant>(&literal)) {
    if (text == nullptr) return compared(std::get_if<Instant>(&value), *wanted);
    const auto instant = parse_instant(*text);
    return compared(instant ? &*instant : nullptr, *wanted);
  }
  if (const auto* wanted = std::get_if<bool>(&literal)) {
    if (text == nullptr) return compared(std::get_if<bool>(&value), *wanted);
    return *text == (*wanted ? "true" : "false") ? Ordering::equivalent : Ordering::unordered;
  }
  return std::holds_alternative<FilterNull>(value) ? Ordering::equivalent : Ordering::unordered;
}

// For a value that is there; whether the term is negated is not looked at.
bool holds(const FilterTerm& term, const Value& value) {
  switch (term.op) {
    case FilterOperator::k_equal:
      return std::is_eq(compare(value, term.values[0]));
    case FilterOperator::k_less:
      return std::is_lt(compare(value, term.values[0]));
    case FilterOperator::k_less_or_equal:
      return std::is_lteq(compare(value, term.values[0]));
    case FilterOperator::k_greater:
      return std::is_gt(compare(value, term.values[0]));
    case FilterOperator::k_greater_or_equal:
      return std::is_gteq(compare(value, term.values[0]));
    case FilterOperator::k_in:
      return std::ranges::any_of(term.values, [&value](const FilterLiteral& each) {
        return std::is_eq(compare(value, each));
      });
    case FilterOperator::k_matches: {
      const auto* text = std::get_if<std::string_view>(&value);
      return text != nullptr && term.glob->matches(*text);
    }
    case FilterOperator::k_exists:
      break;
  }
  return true;
}

// Nothing for a fact that the document does not have.
std::optional<Value> value_of(FilterFact fact, const DocumentFacts& facts) {
  switch (fact) {
    case FilterFact::k_path:
      return facts.uri;
    case FilterFact::k_name:
      return facts.uri.substr(facts.uri.rfind('/') + 1);
    case FilterFact::k_type:
      return facts.type;
    case FilterFact::k_sha256:
      return facts.sha256;
    case FilterFact::k_size:
      return static_cast<FilterNumber>(facts.size);
    case FilterFact::k_mtime:
      if (facts.mtime_ns != 0) return instant_of_nanoseconds(facts.mtime_ns);
      break;
    case FilterFact::k_mtime_ns:
      if (facts.mtime_ns != 0) return static_cast<FilterNumber>(facts.mtime_ns);
      break;
    case FilterFact::k_none:
      break;
  }
  return std::nullopt;
}

Value value_of(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_unsigned()) return static_cast<FilterNumber>(json.get<std::uint64_t>());
  if (json.is_number_integer()) return static_cast<FilterNumber>(json.get<std::int64_t>());
  if (json.is_number()) return static_cast<FilterNumber>(json.get<double>());
  if (json.is_string()) return std::string_view(json.get_ref<const std::string&>());
  return FilterNull();
}

using Keys = std::span<const std::string>;

// Whether the term holds for any of the values that the keys lead to from `json` on. Every element
// of an array on the way, or at its end, is one of the ways.
bool any_holds(const FilterTerm& term, const Json& json, Keys keys) {
  if (keys.empty() && term.op == FilterOperator::k_exists) return true;
  if (json.is_array()) {
    return std::ranges::any_of(json,
                               [&](const Json& element) { return any_holds(term, element, keys); });
  }
  if (keys.empty()) return !json.is_object() && holds(term, value_of(json));
  if (!json.is_object()) return false;
  const auto found = json.find(keys.front());
  return found != json.end() && any_holds(term, *found, keys.subspan(1));
}

bool holds_in(const FilterTerm& term, std::span<const Json> metadata) {
  for (const Json& object : metadata) {
    const auto found = object.find(term.field.path.front());
    if (found != object.end()) return any_holds(term, *found, Keys(term.field.path).subspan(1));
  }
  return false;
}

// What a term about metadata says, its negation left out; nothing where that is not known.
using AskMetadata = std::function<std::optional<bool>(const FilterTerm&)>;

// In Kleene's logic.
std::optional<bool> evaluate(const FilterNode& node, const DocumentFacts& facts,
                             const AskMetadata& metadata) {
  if (node.kind == FilterNode::Kind::k_term) {
    const FilterTerm& term = node.term;
    if (term.field.fact == FilterFact::k_none) {
      const auto verdict = metadata(term);
      return verdict ? std::optional(*verdict != term.negated) : std::nullopt;
    }
    const auto value = value_of(term.field.fact, facts);
    return (value && holds(term, *value)) != term.negated;
  }
  if (node.kind == FilterNode::Kind::k_not) {
    const auto verdict = evaluate(node.children[0], facts, metadata);
    return verdict ? std::optional(!*verdict) : std::nullopt;
  }
  const bool decisive = node.kind == FilterNode::Kind::k_or;
  std::optional<bool> verdict = !decisive;
  for (const FilterNode& child : node.children) {
    const auto each = evaluate(child, facts, metadata);
    if (each == decisive) return decisive;
    if (!each) verdict = std::nullopt;
  }
  return verdict;
}

void gather_keys(const FilterNode& node, std::vector<std::string>& keys) {
  if (node.kind == FilterNode::Kind::k_term && node.term.field.fact == FilterFact::k_none) {
    keys.push_back(node.term.field.path.front());
  }
  for (const FilterNode& child : node.children) gather_keys(child, keys);
}

Json read_metadata(std::string_view text) {
  if (text.empty()) return Json::object();
  Json json = parse_json(text, "metadata", ErrorKind::k_damaged);
  if (!json.is_object()) throw Error(ErrorKind::k_damaged, "metadata: is no JSON object");
  return json;
}

}  // namespace

struct Filter::Impl {
  FilterNode root;
  std::vector<std::string> keys;
};

const std::vector<std::string>& Filter::keys() const noexcept { return m_impl->keys; }

std::optional<bool> Filter::decide(const DocumentFacts& facts) const {
  return evaluate(m_impl->root, facts, [](const FilterTerm&) { return std::nullopt; });
}

std::optional<bool> Filter::decide(const DocumentFacts& facts, std::string_view meta,
                                   std::string_view chunk_keys) const {
  if (const auto verdict = decide(facts)) return verdict;
  const std::array metadata{read_metadata(meta)};
  const Json open = chunk_keys.empty()
                        ? Json::array()
                        : parse_json(chunk_keys, "keys of metadata", ErrorKind::k_damaged);
  return evaluate(m_impl->root, facts, [&](const FilterTerm& term) -> std::optional<bool> {
    const bool is_open = std::any_of(open.begin(), open.end(), [&term](const Json& key) {
      return key == term.field.path.front();
    });
    return is_open ? std::nullopt : std::optional(holds_in(term, metadata));
  });
}

bool Filter::matches(const DocumentFacts& facts, std::string_view meta,
                     std::string_view chunk_meta) const {
  if (const auto verdict = decide(facts)) return *verdict;
  const std::array metadata{read_metadata(chunk_meta), read_metadata(meta)};  // the stronger first
  return *evaluate(m_impl->root, facts,
                   [&](const FilterTerm& term) { return holds_in(term, metadata); });
}

std::string Filter::text() const { return print_filter_expression(m_impl->root); }

Filter parse_filter(std::string_view text, const std::string& what) {
  auto impl = std::make_shared<Filter::Impl>();
  impl->root = parse_filter_expression({text, what});
  gather_keys(impl->root, impl->keys);
  std::ranges::sort(impl->keys);
  impl->keys.erase(std::unique(impl->keys.begin(), impl->keys.end()), impl->keys.end());
  return Filter(std::move(impl));
}

}  // namespace vecdb
