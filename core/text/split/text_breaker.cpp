#include "text/split/text_breaker.h"

namespace vecdb {

void TextBreaker::split(std::string_view text,
                        const std::function<void(ByteRange, std::size_t)>& take) {
  m_line_parts.split(text, [&](ByteRange part) {
    const std::string_view part_text = slice(text, part);
    const std::size_t length = length_of(part_text, m_measure);
    if (length <= m_size) return take(part, length);
    m_graphemes.split(part_text, [&](ByteRange grapheme) {
      take(grapheme.shifted(part.start), length_of(slice(part_text, grapheme), m_measure));
    });
  });
}

}  // namespace vecdb
