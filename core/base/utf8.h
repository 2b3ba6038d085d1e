#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// Offset of the first byte that is not well-formed UTF-8 (Unicode 15, table 3-7: no surrogates, no
// overlong forms, nothing above U+10FFFF), or nothing when all of it is.
std::optional<std::size_t> find_invalid_utf8(std::string_view bytes);

// Number of code points. `text` must be well-formed.
std::size_t count_code_points(std::string_view text);

// Decodes the code point at `offset` and moves `offset` past it. `text` must be well-formed and
// `offset` must stand at the start of a code point.
char32_t decode_code_point(std::string_view text, std::size_t& offset);

// Appends the UTF-8 form of a Unicode scalar value.
void append_utf8(std::string& out, char32_t code_point);

// Line of the byte at `offset`, from 1; lines end with '\n'. Counts only from where the last call
// stopped, so asking in ascending order costs one pass over the text.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) : m_text(text) {}
  std::size_t line_at(std::size_t offset);

 private:
  std::string_view m_text;
  std::size_t m_offset = 0;
  std::size_t m_line = 1;
};

}  // namespace vecdb
