#include "search/filter_lexer.h"

#include <algorithm>

#include "base/utf8.h"

namespace vecdb {

namespace {

constexpr std::size_t k_max_bytes = 64 * 1024;
constexpr std::string_view k_white = " \t\r\n";
constexpr std::string_view k_operator_characters = "=!<>~&|";

bool is_in(std::string_view set, char character) {
  return set.find(character) != std::string_view::npos;
}

bool is_control(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == '\x7f';
}

bool ends_word(char character) {
  return is_in(k_white, character) || is_in(k_operator_characters, character) ||
         is_in("(),\"'\\", character) || is_control(character);
}

class Lexer {
 public:
  explicit Lexer(const FilterSource& source) : m_source(source), m_text(source.text) {}

  FilterToken next() {
    m_at = std::min(m_text.find_first_not_of(k_white, m_at), m_text.size());
    FilterToken token;
    token.begin = m_at;
    if (m_at == m_text.size()) {
      token.end = m_at;
      return token;
    }
    const char first = m_text[m_at];
    if (first == '"' || first == '\'') {
      token.kind = FilterTokenKind::k_string;
      token.text = read_string();
    } else if (is_in("(),", first)) {
      token.kind = first == '('   ? FilterTokenKind::k_open
                   : first == ')' ? FilterTokenKind::k_close
                                  : FilterTokenKind::k_comma;
      token.text = first;
      ++m_at;
    } else if (is_in(k_operator_characters, first)) {
      token.kind = FilterTokenKind::k_operator;
      token.text = take_while([](char each) { return is_in(k_operator_characters, each); });
    } else if (!ends_word(first)) {
      token.kind = FilterTokenKind::k_word;
      token.text = take_while([](char each) { return !ends_word(each); });
    } else {
      throw m_source.refuse(m_at, first == '\\' ? "a backslash; put the text in quotes"
                                                : "a control character; leave it out");
    }
    token.end = m_at;
    return token;
  }

 private:
  template <typename Belongs>
  std::string take_while(Belongs belongs) {
    const auto begin = m_text.begin() + static_cast<std::ptrdiff_t>(m_at);
    const auto end = std::find_if_not(begin, m_text.end(), belongs);
    m_at = static_cast<std::size_t>(end - m_text.begin());
    return {begin, end};
  }

  std::string read_string() {
    const std::size_t begin = m_at;
    const char quote = m_text[m_at++];
    std::string value;
    while (m_at < m_text.size() && m_text[m_at] != quote) {
      if (m_text[m_at] == '\\') {
        read_escape(value);
      } else {
        value += m_text[m_at++];
      }
    }
    if (m_at == m_text.size()) {
      throw m_source.refuse(begin,
                            std::string("a string that does not end; close it with ") + quote);
    }
    ++m_at;
    return value;
  }

  void read_escape(std::string& value) {
    constexpr std::string_view k_names = "\"'\\/nrtbf";
    constexpr std::string_view k_meanings = "\"'\\/\n\r\t\b\f";
    const std::size_t begin = m_at++;
    const char name = m_at < m_text.size() ? m_text[m_at] : '\0';
    const auto known = name == '\0' ? std::string_view::npos : k_names.find(name);
    if (known != std::string_view::npos) {
      value += k_meanings[known];
      ++m_at;
      return;
    }
    if (name != 'u') {
      throw m_source.refuse(begin,
                            R"(an unknown escape; known are \" \' \\ \/ \n \r \t \b \f \uXXXX)");
    }
    ++m_at;
    append_utf8(value, read_code_point(begin));
  }

  // Behind "\u". What lies above U+FFFF is written as two surrogates, as in JSON.
  char32_t read_code_point(std::size_t begin) {
    const char32_t first = read_four_digits(begin);
    if (first < 0xD800 || first > 0xDFFF) return first;
    if (first < 0xDC00 && m_text.substr(m_at).starts_with("\\u")) {
      m_at += 2;
      const char32_t second = read_four_digits(begin);
      if (second >= 0xDC00 && second <= 0xDFFF) {
        return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
      }
    }
    throw m_source.refuse(begin, "half of a pair of surrogates; write the character itself");
  }

  char32_t read_four_digits(std::size_t begin) {
    char32_t value = 0;
    for (int i = 0; i < 4; ++i, ++m_at) {
      constexpr std::string_view k_digits = "0123456789abcdefABCDEF";
      const auto digit = m_at < m_text.size() ? k_digits.find(m_text[m_at]) : k_digits.npos;
      if (digit == k_digits.npos) {
        throw m_source.refuse(begin, "\\u without four hexadecimal digits; write it like \\u00e9");
      }
      value = 16 * value + static_cast<char32_t>(digit < 16 ? digit : digit - 6);
    }
    return value;
  }

  const FilterSource& m_source;
  std::string_view m_text;
  std::size_t m_at = 0;
};

}  // namespace

Error FilterSource::refuse(std::size_t at, const std::string& why_and_what_to_do) const {
  const std::size_t column = count_code_points(text.substr(0, at)) + 1;
  return {ErrorKind::k_usage,
          what + ": column " + std::to_string(column) + ": " + why_and_what_to_do};
}

std::vector<FilterToken> tokenize_filter(const FilterSource& source) {
  if (source.text.size() > k_max_bytes) {
    throw Error(ErrorKind::k_usage, source.what + ": is longer than 64 KiB; make it shorter");
  }
  if (find_invalid_utf8(source.text)) {
    throw Error(ErrorKind::k_usage, source.what + ": is not UTF-8; write it in UTF-8");
  }
  Lexer lexer(source);
  std::vector<FilterToken> tokens;
  do {
    tokens.push_back(lexer.next());
  } while (tokens.back().kind != FilterTokenKind::k_end);
  return tokens;
}

}  // namespace vecdb
