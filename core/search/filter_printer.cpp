#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/json.h"
#include "search/filter_expression.h"

namespace vecdb {

namespace {

std::string in_quotes(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

template <typename Number>
std::string shortest(Number number) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

std::string print(const FilterNull&) { return "null"; }
std::string print(bool value) { return value ? "true" : "false"; }
std::string print(const Instant& value) { return to_string(value); }
std::string print(const std::string& value) { return in_quotes(value); }

std::string print(FilterNumber value) {
  constexpr FilterNumber k_two_to_64 = 18446744073709551616.0L;
  if (value == std::floor(value) && std::fabs(value) < k_two_to_64 / 2) {
    return shortest(static_cast<std::int64_t>(value));
  }
  if (value == std::floor(value) && value > 0 && value < k_two_to_64) {
    return shortest(static_cast<std::uint64_t>(value));
  }
  return shortest(static_cast<double>(value));
}

std::string print_field(const FilterField& field) {
  if (field.fact != FilterFact::k_none) return std::string(name_of_fact(field.fact));
  const std::string& first = field.path.front();
  const bool ambiguous =
      field.path.size() == 1 ? fact_of_name(first) != FilterFact::k_none : first == "meta";
  std::string text = ambiguous ? "meta" : "";
  for (const std::string& key : field.path) {
    if (!text.empty()) text += '.';
    text += is_plain_key(key) ? key : in_quotes(key);
  }
  return text;
}

std::string_view spelling(const FilterTerm& term) {
  switch (term.op) {
    case FilterOperator::k_equal:
      return term.negated ? "!=" : "=";
    case FilterOperator::k_less:
      return "<";
    case FilterOperator::k_less_or_equal:
      return "<=";
    case FilterOperator::k_greater:
      return ">";
    case FilterOperator::k_greater_or_equal:
      return ">=";
    case FilterOperator::k_in:
      return term.negated ? "not in" : "in";
    case FilterOperator::k_matches:
      return term.negated ? "!~" : "~";
    case FilterOperator::k_exists:
      break;
  }
  return "exists";
}

std::string print_term(const FilterTerm& term) {
  std::string text = print_field(term.field) + ' ' + std::string(spelling(term));
  std::string values;
  for (const FilterLiteral& literal : term.values) {
    values += values.empty() ? "" : ", ";
    values += std::visit([](const auto& value) { return print(value); }, literal);
  }
  if (term.op == FilterOperator::k_in) return text + " (" + values + ')';
  return values.empty() ? text : text + ' ' + values;
}

// In parentheses where it would not be read as this child otherwise.
std::string print_child(const FilterNode& child, FilterNode::Kind parent) {
  const bool binds_tighter =
      child.kind == FilterNode::Kind::k_term || child.kind == FilterNode::Kind::k_not ||
      (child.kind == FilterNode::Kind::k_and && parent == FilterNode::Kind::k_or);
  const std::string text = print_filter_expression(child);
  return binds_tighter ? text : '(' + text + ')';
}

}  // namespace

std::string print_filter_expression(const FilterNode& node) {
  switch (node.kind) {
    case FilterNode::Kind::k_term:
      return print_term(node.term);
    case FilterNode::Kind::k_not:
      return "not " + print_child(node.children[0], node.kind);
    case FilterNode::Kind::k_and:
    case FilterNode::Kind::k_or:
      break;
  }
  std::string text;
  for (const FilterNode& child : node.children) {
    if (!text.empty()) text += node.kind == FilterNode::Kind::k_and ? " and " : " or ";
    text += print_child(child, node.kind);
  }
  return text;
}

}  // namespace vecdb
