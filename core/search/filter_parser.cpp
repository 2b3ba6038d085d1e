#include <array>
#include <cstdint>
#include <utility>

#include "base/nearest_name.h"
#include "search/filter_expression.h"

// filter = and {"or" and}; and = not {"and" not}; not = "not" not | "(" filter ")" | term
// term = field operator value | field ["not"] "in" "(" value {"," value} ")" | field "exists"
namespace vecdb {

namespace {

using Kind = FilterTokenKind;

constexpr std::size_t k_max_depth = 64;
constexpr std::size_t k_max_values = 10'000;

struct OperatorMeaning {
  std::string_view spelling;
  FilterOperator op;
  bool negated;
};

constexpr std::array<OperatorMeaning, 9> k_operators{{
    {"=", FilterOperator::k_equal, false},
    {"==", FilterOperator::k_equal, false},
    {"!=", FilterOperator::k_equal, true},
    {"<", FilterOperator::k_less, false},
    {"<=", FilterOperator::k_less_or_equal, false},
    {">", FilterOperator::k_greater, false},
    {">=", FilterOperator::k_greater_or_equal, false},
    {"~", FilterOperator::k_matches, false},
    {"!~", FilterOperator::k_matches, true},
}};

// What people of other languages write, and how it is written here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> k_foreign{{
    {"&&", "and"},
    {"&", "and"},
    {"||", "or"},
    {"|", "or"},
    {"!", "not"},
    {"<>", "!="},
    {"=~", "~"},
    {"~=", "~"},
    {"=>", ">="},
    {"=<", "<="},
    {"===", "="},
    {"!==", "!="},
}};

bool has_order(FilterOperator op) {
  return op == FilterOperator::k_less || op == FilterOperator::k_less_or_equal ||
         op == FilterOperator::k_greater || op == FilterOperator::k_greater_or_equal;
}

std::string found(const FilterToken& token) {
  constexpr std::size_t k_shown = 40;  // bytes; the column says the rest
  if (token.kind == Kind::k_end) return "the end";
  if (token.kind == Kind::k_string) return "a string";
  if (token.text.size() > k_shown) return "a long word";
  return '"' + token.text + '"';
}

// Of `size`, like the flags: digits and K, M, G or T.
std::optional<FilterNumber> parse_size(std::string_view text) {
  constexpr std::string_view k_units = "KMGTkmgt";
  const auto unit = text.empty() ? k_units.npos : k_units.find(text.back());
  if (unit == k_units.npos) return parse_filter_number(text);
  text.remove_suffix(1);
  if (text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  auto number = parse_filter_number(text);
  for (std::size_t i = 0; number && i <= unit % 4; ++i) *number *= 1024;
  return number;
}

class Parser {
 public:
  explicit Parser(const FilterSource& source)
      : m_source(source), m_tokens(tokenize_filter(source)) {}

  FilterNode parse() {
    if (peek().kind == Kind::k_end) {
      throw m_source.refuse(0, "the filter is empty; write one like 'lang = \"en\"'");
    }
    FilterNode node = parse_or();
    if (peek().kind != Kind::k_end) throw refuse_after_term();
    return node;
  }

 private:
  const FilterToken& peek() const { return m_tokens[m_next]; }
  const FilterToken& take() {
    const FilterToken& token = m_tokens[m_next];
    if (token.kind != Kind::k_end) ++m_next;
    return token;
  }
  bool is_keyword(std::string_view keyword) const {
    return peek().kind == Kind::k_word && is_filter_keyword(peek().text) &&
           peek().text.size() == keyword.size() && (peek().text[0] | 0x20) == keyword[0] &&
           (peek().text[1] | 0x20) == keyword[1];
  }
  bool skip_keyword(std::string_view keyword) {
    if (!is_keyword(keyword)) return false;
    take();
    return true;
  }

  Error refuse(const FilterToken& token, const std::string& expected) const {
    for (const auto& [foreign, ours] : k_foreign) {
      if (token.kind == Kind::k_operator && token.text == foreign) {
        return m_source.refuse(token.begin,
                               token.text + " has no meaning here; write " + std::string(ours));
      }
    }
    return m_source.refuse(token.begin, "found " + found(token) + " instead of " + expected);
  }

  // Behind a whole term nothing fits but these.
  Error refuse_after_term() const {
    const FilterToken& token = peek();
    if (token.kind == Kind::k_word) {
      const std::string nearest = nearest_name(token.text.substr(0, 32), {"and", "or"});
      if (!nearest.empty()) {
        return m_source.refuse(
            token.begin, found(token) + " has no meaning here; did you mean " + nearest + "?");
      }
    }
    return refuse(token, token.kind == Kind::k_close
                             ? "the end; take the parenthesis out or open one in front"
                             : "\"and\", \"or\" or the end; join comparisons with one of them");
  }

  template <typename ParseChild>
  FilterNode parse_joined(FilterNode::Kind kind, std::string_view keyword, ParseChild parse_child) {
    FilterNode first = parse_child();
    if (!is_keyword(keyword)) return first;
    FilterNode node;
    node.kind = kind;
    node.children.push_back(std::move(first));
    while (skip_keyword(keyword)) node.children.push_back(parse_child());
    return node;
  }

  FilterNode parse_or() {
    return parse_joined(FilterNode::Kind::k_or, "or", [this] { return parse_and(); });
  }

  FilterNode parse_and() {
    return parse_joined(FilterNode::Kind::k_and, "and", [this] { return parse_not(); });
  }

  FilterNode parse_not() {
    const FilterToken& first = peek();
    const bool is_not = is_keyword("not");
    if (!is_not && first.kind != Kind::k_open) return parse_term();
    if (++m_depth > k_max_depth) {
      throw m_source.refuse(first.begin, "nested deeper than 64 levels; make the filter simpler");
    }
    take();
    FilterNode node;
    if (is_not) {
      node.kind = FilterNode::Kind::k_not;
      node.children.push_back(parse_not());
    } else {
      node = parse_or();
      if (peek().kind == Kind::k_end) {
        throw m_source.refuse(first.begin, "a parenthesis that is not closed; close it with )");
      }
      if (peek().kind != Kind::k_close) throw refuse_after_term();
      take();
    }
    --m_depth;
    return node;
  }

  FilterNode parse_term() {
    FilterNode node;
    FilterTerm& term = node.term;
    term.field = parse_field();
    if (skip_keyword("exists")) {
      term.op = FilterOperator::k_exists;
      return node;
    }
    if (is_keyword("not") || is_keyword("in")) {
      term.negated = skip_keyword("not");
      if (!skip_keyword("in")) throw refuse(peek(), "\"in\" behind a field and \"not\"");
      term.op = FilterOperator::k_in;
      parse_list(term);
      return node;
    }
    parse_operator(term);
    const FilterToken& value = peek();
    term.values.push_back(parse_value(term));
    if (term.op == FilterOperator::k_matches) {
      term.glob = glob_of(term, std::get<std::string>(term.values[0]), value);
    }
    return node;
  }

  // Parts apart by dots, each a word or a quoted string.
  FilterField parse_field() {
    const FilterToken& first = peek();
    const bool is_field = first.kind == Kind::k_string ||
                          (first.kind == Kind::k_word && !is_filter_keyword(first.text));
    if (!is_field) {
      throw refuse(first, "a field, like path or lang; put a key that is a keyword in quotes");
    }
    std::vector<std::string> parts;
    bool part_follows = true;
    do {
      const FilterToken& token = take();
      if (token.kind == Kind::k_string) {
        if (!part_follows) throw refuse(token, "a dot between the parts of a field");
        parts.push_back(token.text);
        part_follows = false;
      } else {
        add_parts(token, parts, part_follows);
      }
    } while (peek().begin == m_tokens[m_next - 1].end &&
             (peek().kind == Kind::k_string || peek().kind == Kind::k_word));
    if (part_follows) throw refuse(peek(), "a key behind the dot");
    return field_of(std::move(parts));
  }

  void add_parts(const FilterToken& token, std::vector<std::string>& parts, bool& part_follows) {
    std::size_t begin = 0;
    for (bool last = false; !last;) {
      const std::size_t dot = token.text.find('.', begin);
      last = dot == std::string::npos;
      const std::string part = token.text.substr(begin, last ? dot : dot - begin);
      // Beside a quoted part there is nothing but the dot.
      const bool nothing = part.empty() && (begin == 0 ? !part_follows : last);
      if (!nothing) {
        if (!part_follows || (!is_plain_key(part) && !is_filter_keyword(part))) {
          throw m_source.refuse(token.begin + begin,
                                found(token) +
                                    " is no name of a field; put a key that holds "
                                    "other than letters, digits, _ and - in quotes");
        }
        parts.push_back(part);
        part_follows = false;
      }
      if (!last) part_follows = true;
      begin = dot + 1;
    }
  }

  static FilterField field_of(std::vector<std::string> parts) {
    FilterField field;
    if (parts.size() == 1) field.fact = fact_of_name(parts[0]);
    if (field.fact != FilterFact::k_none) return field;
    if (parts.size() > 1 && parts[0] == "meta") parts.erase(parts.begin());
    field.path = std::move(parts);
    return field;
  }

  void parse_operator(FilterTerm& term) {
    const FilterToken& token = take();
    for (const OperatorMeaning& each : k_operators) {
      if (token.kind == Kind::k_operator && token.text == each.spelling) {
        term.op = each.op;
        term.negated = each.negated;
        return;
      }
    }
    if (token.kind == Kind::k_word && (token.text == "like" || token.text == "glob")) {
      throw m_source.refuse(token.begin, token.text + " has no meaning here; write ~");
    }
    throw refuse(token, "an operator; use one of = != < <= > >= ~ !~ in exists");
  }

  void parse_list(FilterTerm& term) {
    if (peek().kind != Kind::k_open) throw refuse(peek(), "a list in parentheses behind \"in\"");
    take();
    while (true) {
      term.values.push_back(parse_value(term));
      if (peek().kind == Kind::k_close) break;
      if (peek().kind != Kind::k_comma) throw refuse(peek(), "a comma or )");
      take();
    }
    take();
  }

  FilterLiteral parse_value(const FilterTerm& term) {
    const FilterToken& token = take();
    if (++m_values > k_max_values) {
      throw m_source.refuse(token.begin, "more than 10000 values; make the filter shorter");
    }
    if (token.kind == Kind::k_word && is_filter_keyword(token.text)) {
      throw refuse(token, "a value; put it in quotes if it is one");
    }
    if (token.kind != Kind::k_string && token.kind != Kind::k_word) throw refuse(token, "a value");
    if (term.op == FilterOperator::k_matches) return value_of_glob(term, token);
    switch (term.field.fact) {
      case FilterFact::k_none:
        return value_of_metadata(term, token);
      case FilterFact::k_path:
      case FilterFact::k_name:
      case FilterFact::k_type:
      case FilterFact::k_sha256:
        return token.text;
      case FilterFact::k_size:
        return number_or_refuse(token, parse_size(token.text),
                                "size is a number of bytes, like 4096 or 10K");
      case FilterFact::k_mtime_ns:
        return number_or_refuse(token, parse_filter_number(token.text),
                                "mtime_ns is a number of nanoseconds since 1970; use mtime "
                                "for a date");
      case FilterFact::k_mtime:
        break;
    }
    if (const auto instant = parse_instant(token.text)) return *instant;
    throw m_source.refuse(token.begin,
                          "mtime is a date, like 2026-01-31 or 2026-01-31T12:00:00Z; write one");
  }

  FilterLiteral value_of_glob(const FilterTerm& term, const FilterToken& token) const {
    const FilterFact fact = term.field.fact;
    if (fact == FilterFact::k_size || fact == FilterFact::k_mtime ||
        fact == FilterFact::k_mtime_ns) {
      throw m_source.refuse(token.begin, std::string(name_of_fact(fact)) +
                                             " is no text that a glob matches; use = < or >");
    }
    return token.text;
  }

  // A quoted value is text; a word is what it looks like.
  FilterLiteral value_of_metadata(const FilterTerm& term, const FilterToken& token) const {
    if (token.kind == Kind::k_string) return token.text;
    const bool is_null = token.text == "null";
    if (is_null || token.text == "true" || token.text == "false") {
      if (has_order(term.op)) {
        throw m_source.refuse(token.begin, token.text +
                                               " is not less or greater than anything; "
                                               "use = or !=");
      }
      if (is_null) return FilterNull();
      return token.text == "true";
    }
    if (const auto number = parse_filter_number(token.text)) return normalized(*number);
    if (looks_like_instant(token.text)) {
      if (const auto instant = parse_instant(token.text)) return *instant;
      throw m_source.refuse(
          token.begin, token.text.substr(0, 40) + " is no date; put it in quotes if it is text");
    }
    return token.text;
  }

  FilterLiteral number_or_refuse(const FilterToken& token, std::optional<FilterNumber> number,
                                 const std::string& why) const {
    if (!number) throw m_source.refuse(token.begin, why);
    return normalized(*number);
  }

  static FilterNumber normalized(FilterNumber number) { return number == 0 ? 0 : number; }

  // A path's glob is one of the whole path when it begins with '/', else of its end.
  Glob glob_of(const FilterTerm& term, const std::string& pattern, const FilterToken& token) const {
    const bool anywhere =
        term.field.fact == FilterFact::k_path && !pattern.empty() && pattern.front() != '/';
    Glob glob(anywhere ? "**/" + pattern : pattern);
    if (!glob.is_valid()) {
      throw m_source.refuse(token.begin,
                            "a glob that can match nothing; see gitignore(5) for its form");
    }
    return glob;
  }

  const FilterSource& m_source;
  std::vector<FilterToken> m_tokens;
  std::size_t m_next = 0;
  std::size_t m_depth = 0;
  std::size_t m_values = 0;
};

}  // namespace

FilterNode parse_filter_expression(const FilterSource& source) { return Parser(source).parse(); }

}  // namespace vecdb
