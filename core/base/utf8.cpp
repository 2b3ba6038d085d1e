#include "base/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace vecdb {

namespace {

bool is_continuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

// Length of the well-formed sequence that starts at `p`, or 0.
std::size_t sequence_length(const unsigned char* p, const unsigned char* end) {
  const auto available = static_cast<std::size_t>(end - p);
  const unsigned char lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return available >= 2 && is_continuation(p[1]) ? 2 : 0;
  if (lead < 0xF0) {
    if (available < 3 || !is_continuation(p[1]) || !is_continuation(p[2])) return 0;
    if (lead == 0xE0 && p[1] < 0xA0) return 0;  // overlong
    if (lead == 0xED && p[1] > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (available < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3])) {
    return 0;
  }
  if (lead == 0xF0 && p[1] < 0x90) return 0;  // overlong
  if (lead == 0xF4 && p[1] > 0x8F) return 0;  // above U+10FFFF
  return 4;
}

// Past the ASCII at `p`, eight bytes at a time: nearly all of most texts.
const unsigned char* skip_ascii(const unsigned char* p, const unsigned char* end) {
  for (std::uint64_t word = 0; end - p >= 8; p += 8) {
    std::memcpy(&word, p, 8);
    if ((word & 0x8080808080808080U) != 0) break;
  }
  while (p < end && *p < 0x80) ++p;
  return p;
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view bytes) {
  const auto* begin = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = begin + bytes.size();
  for (const auto* p = begin; p < end;) {
    p = skip_ascii(p, end);
    if (p == end) break;
    const std::size_t length = sequence_length(p, end);
    if (length == 0) return static_cast<std::size_t>(p - begin);
    p += length;
  }
  return std::nullopt;
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return !is_continuation(static_cast<unsigned char>(byte));
  }));
}

char32_t decode_code_point(std::string_view text, std::size_t& offset) {
  const auto byte = [&](std::size_t i) -> char32_t {
    return static_cast<unsigned char>(text[offset + i]);
  };
  const char32_t lead = byte(0);
  char32_t code_point = lead;
  std::size_t length = 1;
  if (lead >= 0xF0) {
    code_point = (lead & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U |
                 (byte(3) & 0x3FU);
    length = 4;
  } else if (lead >= 0xE0) {
    code_point = (lead & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    length = 3;
  } else if (lead >= 0xC0) {
    code_point = (lead & 0x1FU) << 6U | (byte(1) & 0x3FU);
    length = 2;
  }
  offset += length;
  return code_point;
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto push = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto c = static_cast<std::uint32_t>(code_point);
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0U | c >> 6U);
    push(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    push(0xE0U | c >> 12U);
    push(0x80U | (c >> 6U & 0x3FU));
    push(0x80U | (c & 0x3FU));
  } else {
    push(0xF0U | c >> 18U);
    push(0x80U | (c >> 12U & 0x3FU));
    push(0x80U | (c >> 6U & 0x3FU));
    push(0x80U | (c & 0x3FU));
  }
}

std::size_t LineCounter::line_at(std::size_t offset) {
  if (offset < m_offset) {  // overlapping chunks step back a little
    const auto part = m_text.substr(offset, m_offset - offset);
    m_line -= static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
  } else {
    const auto part = m_text.substr(m_offset, offset - m_offset);
    m_line += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
  }
  m_offset = offset;
  return m_line;
}

}  // namespace vecdb
