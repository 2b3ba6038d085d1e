#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "search/filter.h"
#include "search/filter_expression.h"

// The words of the language, and how a number is spelled.
namespace vecdb {

namespace {

// The first name of a fact is the one that is printed.
constexpr std::array<std::pair<std::string_view, FilterFact>, 8> k_facts{{
    {"path", FilterFact::k_path},
    {"uri", FilterFact::k_path},
    {"name", FilterFact::k_name},
    {"type", FilterFact::k_type},
    {"sha256", FilterFact::k_sha256},
    {"size", FilterFact::k_size},
    {"mtime", FilterFact::k_mtime},
    {"mtime_ns", FilterFact::k_mtime_ns},
}};

constexpr std::array<std::string_view, 5> k_keywords{"and", "or", "not", "in", "exists"};

bool is_digit(char character) { return character >= '0' && character <= '9'; }

// "-12.5e+3": JSON's grammar, so that 007 and 1.2.3 stay words.
bool is_json_number(std::string_view text, bool& whole) {
  const auto skip_digits = [&text] {
    const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(end);
    return end > 0;
  };
  const auto skip_if = [&text](std::string_view any_of) {
    const bool there = !text.empty() && any_of.find(text.front()) != std::string_view::npos;
    if (there) text.remove_prefix(1);
    return there;
  };
  whole = true;
  skip_if("-");
  if (!skip_if("0") && !skip_digits()) return false;
  if (skip_if(".")) {
    whole = false;
    if (!skip_digits()) return false;
  }
  if (skip_if("eE")) {
    whole = false;
    skip_if("+-");
    if (!skip_digits()) return false;
  }
  return text.empty();
}

template <typename Number>
std::optional<FilterNumber> converted(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<FilterNumber>(number);
}

}  // namespace

std::optional<FilterNumber> parse_filter_number(std::string_view text) {
  if (text.empty() || (text.front() != '-' && !is_digit(text.front()))) return std::nullopt;
  bool whole = false;
  if (!is_json_number(text, whole)) return std::nullopt;
  if (whole) {
    if (const auto number = converted<std::int64_t>(text)) return number;
    if (const auto number = converted<std::uint64_t>(text)) return number;
  }
  // As a float64, not as wide as can be: 0.1 shall be the 0.1 of a JSON text.
  return converted<double>(text);
}

FilterFact fact_of_name(std::string_view name) {
  const auto* found =
      std::ranges::find(k_facts, name, &std::pair<std::string_view, FilterFact>::first);
  return found == k_facts.end() ? FilterFact::k_none : found->second;
}

std::string_view name_of_fact(FilterFact fact) {
  return std::ranges::find(k_facts, fact, &std::pair<std::string_view, FilterFact>::second)->first;
}

std::vector<std::string> filter_facts() {
  std::vector<std::string> names;
  for (const auto& [name, fact] : k_facts) names.emplace_back(name);
  return names;
}

bool is_plain_key(std::string_view key) {
  const auto belongs = [](char character) {
    return is_digit(character) || (character >= 'a' && character <= 'z') ||
           (character >= 'A' && character <= 'Z') ||
           static_cast<unsigned char>(character) >= 0x80 ||
           std::string_view("_-@$:").find(character) != std::string_view::npos;
  };
  return !key.empty() && std::ranges::all_of(key, belongs) && !is_filter_keyword(key);
}

bool is_filter_keyword(std::string_view word) {
  const auto equals = [word](std::string_view keyword) {
    return std::ranges::equal(word, keyword, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
    });
  };
  return std::ranges::any_of(k_keywords, equals);
}

}  // namespace vecdb
