#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// Walks over a regular expression in the tokens of Python's `re`: one character, or a backslash
// with the character after it. Every failure is an Error of kind k_usage that names the place.
class RegexReader {
 public:
  struct Token {
    char32_t character = 0;
    bool escaped = false;

    bool is(char32_t plain) const { return !escaped && character == plain; }
  };

  // `expression` is read inside `( )` when `in_parentheses`; errors show it without them.
  RegexReader(std::string_view expression, bool in_parentheses);

  std::optional<Token> peek() const;
  std::optional<Token> next();
  Token expect_next(const std::string& missing);  // fails with "missing MISSING" at the end
  bool take(char32_t plain);                      // steps over `plain` if it is next

  // Longest run of at most `limit` next characters from an ASCII set.
  std::string take_while(std::string_view allowed, std::size_t limit);
  // Everything before `terminator`, which is stepped over.
  std::u32string take_until(char32_t terminator, const std::string& what);

  std::size_t position() const { return m_position; }
  void seek(std::size_t position) { m_position = position; }

  // "--separator "EXPRESSION": WHY (at character N); …"
  [[noreturn]] void fail(const std::string& why) const;

 private:
  std::string m_shown;
  std::u32string m_characters;
  std::size_t m_position = 0;
  std::size_t m_shift = 0;  // characters that are not the user's before the expression
};

// The character that an escape stands for, `letter` being what follows the backslash and already
// read: \n, \x41, \u0041, \U00000041, \. and the like. Nothing for a letter without a meaning and
// for digits, which Python reads differently inside and outside of [ ].
std::optional<char32_t> read_character_escape(RegexReader& reader, char32_t letter);

// Value of octal digits, at most \377.
char32_t octal_value(const RegexReader& reader, const std::string& digits);

}  // namespace vecdb
