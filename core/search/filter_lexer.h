#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace vecdb {

enum class FilterTokenKind {
  k_word,      // anything unquoted: a field, a keyword, a value
  k_string,    // quoted; `text` is what it says
  k_operator,  // a run of = ! < > ~ & |
  k_open,
  k_close,
  k_comma,
  k_end,
};

struct FilterToken {
  FilterTokenKind kind = FilterTokenKind::k_end;
  std::string text;
  std::size_t begin = 0;  // bytes of the filter: [begin, end)
  std::size_t end = 0;
};

// The text of a filter, and what to call it in errors.
struct FilterSource {
  std::string_view text;
  std::string what;

  // A k_usage for the byte `at`; names its column, counted in code points from 1.
  Error refuse(std::size_t at, const std::string& why_and_what_to_do) const;
};

// Cuts a filter into words, strings and signs; the last token is k_end. Throws k_usage for what is
// not UTF-8 or over 64 KiB, a string that does not end or has an unknown escape, and a control
// character or backslash outside of strings.
std::vector<FilterToken> tokenize_filter(const FilterSource& source);

}  // namespace vecdb
