#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "text/split/text_boundaries.h"
#include "text/split/text_measure.h"

namespace vecdb {

// Breaks what is too long for a chunk into parts that are not: where a line may be broken, and
// within a part that is still too long between grapheme clusters. Only a cluster that is too long
// by itself stays so. Not for use by several threads.
class TextBreaker {
 public:
  TextBreaker(std::size_t size, const TextMeasure* measure)
      : m_size(size),
        m_measure(measure),
        m_line_parts(TextUnit::k_line_part),
        m_graphemes(TextUnit::k_grapheme) {}

  // Hands out the parts, in order, with their lengths.
  void split(std::string_view text, const std::function<void(ByteRange, std::size_t)>& take);

 private:
  std::size_t m_size;
  const TextMeasure* m_measure;
  TextBoundaries m_line_parts;
  TextBoundaries m_graphemes;
};

}  // namespace vecdb
