#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/glob.h"
#include "search/filter_lexer.h"
#include "search/instant.h"

// What filter_parser.cpp makes of a filter's text, filter_printer.cpp prints and filter.cpp
// evaluates.
namespace vecdb {

// Wide enough for every int64, uint64 and float64, so that numbers compare exactly.
using FilterNumber = long double;
static_assert(std::numeric_limits<FilterNumber>::digits >= 64);

using FilterNull = std::monostate;
using FilterLiteral = std::variant<FilterNull, bool, FilterNumber, Instant, std::string>;

enum class FilterFact { k_none, k_path, k_name, k_type, k_sha256, k_size, k_mtime, k_mtime_ns };

struct FilterField {
  FilterFact fact = FilterFact::k_none;
  std::vector<std::string> path;  // in metadata, when it is no fact: keys from the top down
};

enum class FilterOperator {
  k_equal,
  k_less,
  k_less_or_equal,
  k_greater,
  k_greater_or_equal,
  k_in,
  k_matches,
  k_exists,
};

struct FilterTerm {
  FilterField field;
  FilterOperator op = FilterOperator::k_equal;
  bool negated = false;               // !=, !~, not in
  std::vector<FilterLiteral> values;  // one, for `in` some, for `exists` none
  std::optional<Glob> glob;           // for k_matches, made of values[0]
};

struct FilterNode {
  enum class Kind { k_term, k_not, k_and, k_or };
  Kind kind = Kind::k_term;
  std::vector<FilterNode> children;  // one of k_not, two or more of k_and and k_or
  FilterTerm term;
};

FilterNode parse_filter_expression(const FilterSource& source);

std::string print_filter_expression(const FilterNode& node);

// The number that a text spells in JSON's grammar; nothing for any other text, or one out of range.
std::optional<FilterNumber> parse_filter_number(std::string_view text);

// The fact of that name in a filter, else k_none.
FilterFact fact_of_name(std::string_view name);
std::string_view name_of_fact(FilterFact fact);

// Whether a key can stand in a filter without quotes.
bool is_plain_key(std::string_view key);
// Whether a word has a meaning of its own in the language: and, or, not, in, exists.
bool is_filter_keyword(std::string_view word);

}  // namespace vecdb
