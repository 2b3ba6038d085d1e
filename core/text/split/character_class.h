#pragma once

#include <string>
#include <utility>
#include <vector>

#include "text/split/regex_reader.h"

namespace vecdb {

// What decides which characters a part of an expression matches.
struct CharacterRules {
  bool ignore_case = false;
  bool ascii = false;  // \w \d \s and case know ASCII only
};

// A set of characters of Python's `re`, and its form for PCRE2 with UTF and UCP.
class CharacterClass {
 public:
  // Reads the rest of `[...]`, the opening bracket being read already.
  static CharacterClass read(RegexReader& reader);
  static CharacterClass of_character(char32_t character);
  static CharacterClass of_category(char32_t letter);  // one of d D s S w W

  // An expression that matches one character and stands for itself anywhere, also before a
  // quantifier.
  std::string to_pcre2(CharacterRules rules) const;

 private:
  using Range = std::pair<char32_t, char32_t>;  // both inside

  std::string ranges_to_pcre2(CharacterRules rules) const;

  std::vector<Range> m_ranges;
  std::u32string m_categories;
  bool m_negated = false;
};

// Whether \ and this letter name a category of characters.
bool is_category(char32_t letter);

}  // namespace vecdb
