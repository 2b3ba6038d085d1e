#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "text/split/byte_range.h"

namespace vecdb {

// What a text falls into without a rest: sentences and grapheme clusters of Unicode's annex 29 (a
// line end ends a sentence), and stretches between places where annex 14 lets a line be broken.
enum class TextUnit { k_sentence, k_line_part, k_grapheme };

// Finds them with ICU, by the rules that go for every language. Not for use by several threads.
class TextBoundaries {
 public:
  // Throws k_io when ICU has no data.
  explicit TextBoundaries(TextUnit unit);
  ~TextBoundaries();

  // Hands out the parts of `text`, well-formed UTF-8 of less than 2 GiB, in order. Linear.
  void split(std::string_view text, const std::function<void(ByteRange)>& take);

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace vecdb
