#pragma once

#include <cstddef>
#include <string_view>

#include "base/utf8.h"

namespace vecdb {

// How long a text is, in the unit that sizes of chunks are given in. Immutable: safe to use from
// several threads.
class TextMeasure {
 public:
  virtual ~TextMeasure() = default;

  // `text` is well-formed UTF-8. Of two texts put together it may be more or less than the sum.
  virtual std::size_t length(std::string_view text) const = 0;

 protected:
  TextMeasure() = default;
  TextMeasure(const TextMeasure&) = default;
  TextMeasure& operator=(const TextMeasure&) = default;
};

// Without a measure lengths are code points.
inline std::size_t length_of(std::string_view text, const TextMeasure* measure) {
  return measure == nullptr ? count_code_points(text) : measure->length(text);
}

}  // namespace vecdb
