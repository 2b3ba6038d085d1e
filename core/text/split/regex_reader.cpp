#include "text/split/regex_reader.h"

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace vecdb {

namespace {

constexpr std::string_view k_hex_digits = "0123456789abcdefABCDEF";

char32_t read_hex(RegexReader& reader, std::size_t digits) {
  const std::string text = reader.take_while(k_hex_digits, digits);
  if (text.size() != digits) reader.fail("incomplete escape");
  const auto value = static_cast<char32_t>(std::stoul(text, nullptr, 16));
  if (value > 0x10FFFF) reader.fail("no such character");
  return value;
}

}  // namespace

RegexReader::RegexReader(std::string_view expression, bool in_parentheses)
    : m_shown(dump_json(std::string(expression))), m_shift(in_parentheses ? 1 : 0) {
  if (in_parentheses) m_characters.push_back(U'(');
  for (std::size_t offset = 0; offset < expression.size();) {
    m_characters.push_back(decode_code_point(expression, offset));
  }
  if (in_parentheses) m_characters.push_back(U')');
}

std::optional<RegexReader::Token> RegexReader::peek() const {
  if (m_position == m_characters.size()) return std::nullopt;
  const char32_t character = m_characters[m_position];
  if (character != U'\\') return Token{character, false};
  if (m_position + 1 == m_characters.size()) fail("bad escape at the end");
  return Token{m_characters[m_position + 1], true};
}

std::optional<RegexReader::Token> RegexReader::next() {
  const auto token = peek();
  if (token) m_position += token->escaped ? 2 : 1;
  return token;
}

RegexReader::Token RegexReader::expect_next(const std::string& missing) {
  const auto token = next();
  if (!token) fail("missing " + missing);
  return *token;
}

bool RegexReader::take(char32_t plain) {
  const auto token = peek();
  if (!token || !token->is(plain)) return false;
  next();
  return true;
}

std::string RegexReader::take_while(std::string_view allowed, std::size_t limit) {
  std::string taken;
  while (taken.size() < limit) {
    const auto token = peek();
    if (!token || token->escaped || token->character >= 0x80) break;
    const char character = static_cast<char>(token->character);
    if (allowed.find(character) == std::string_view::npos) break;
    taken.push_back(character);
    next();
  }
  return taken;
}

std::u32string RegexReader::take_until(char32_t terminator, const std::string& what) {
  std::u32string taken;
  for (;;) {
    const auto token = next();
    if (!token) fail("missing " + what);
    if (token->is(terminator)) break;
    if (token->escaped) taken.push_back(U'\\');
    taken.push_back(token->character);
  }
  if (taken.empty()) fail("missing " + what);
  return taken;
}

void RegexReader::fail(const std::string& why) const {
  const std::size_t at = m_position > m_shift ? m_position - m_shift : 0;
  throw Error(ErrorKind::k_usage, "--separator " + m_shown + ": " + why + " (at character " +
                                      std::to_string(at) +
                                      "); write a regular expression of Python's re");
}

std::optional<char32_t> read_character_escape(RegexReader& reader, char32_t letter) {
  switch (letter) {
    case U'a':
      return U'\a';
    case U'f':
      return U'\f';
    case U'n':
      return U'\n';
    case U'r':
      return U'\r';
    case U't':
      return U'\t';
    case U'v':
      return U'\v';
    case U'x':
      return read_hex(reader, 2);
    case U'u':
      return read_hex(reader, 4);
    case U'U':
      return read_hex(reader, 8);
    case U'N':
      reader.fail("\\N{NAME} is not supported here, \\uXXXX is");
    default:
      break;
  }
  const bool is_letter = (letter >= U'a' && letter <= U'z') || (letter >= U'A' && letter <= U'Z');
  const bool is_digit = letter >= U'0' && letter <= U'9';
  if (is_letter || is_digit) return std::nullopt;
  return letter;
}

char32_t octal_value(const RegexReader& reader, const std::string& digits) {
  const auto value = static_cast<char32_t>(std::stoul(digits, nullptr, 8));
  if (value > 0377) reader.fail("octal escape over \\377");
  return value;
}

}  // namespace vecdb
