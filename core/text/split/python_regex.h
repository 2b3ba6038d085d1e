#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "text/split/byte_range.h"
#include "text/split/regex_translator.h"

namespace vecdb {

// How errors name an expression: the flag that it comes from, and itself.
std::string separator_flag(std::string_view expression);

// A compiled regular expression of Python's `re`. Immutable: safe to use from several threads.
class PythonRegex {
 public:
  // Throws k_usage for an expression that is not valid or not supported.
  PythonRegex(std::string_view expression, WholeMatch whole);
  ~PythonRegex();
  PythonRegex(const PythonRegex&) = delete;
  PythonRegex& operator=(const PythonRegex&) = delete;

 private:
  friend class RegexMatches;
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// The matches that re.split and re.finditer find in a text, one after the other: leftmost, not
// overlapping, empty ones too unless they stand where an empty one was found just before. Not for
// use by several threads. Refers to the expression and to the text.
class RegexMatches {
 public:
  // `text` must be well-formed UTF-8.
  RegexMatches(const PythonRegex& regex, std::string_view text);
  ~RegexMatches();
  RegexMatches(const RegexMatches&) = delete;
  RegexMatches& operator=(const RegexMatches&) = delete;

  // False after the last one. Throws k_io when the search passes PCRE2's limits.
  bool next();

  // Of the match that next() found. Group 0 is all of it; nothing for a group that took no part.
  std::optional<ByteRange> group(std::size_t number) const;
  std::size_t group_count() const;  // without group 0

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace vecdb
