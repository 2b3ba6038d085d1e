#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/load/source_map.h"

namespace vecdb {

// A part of a text and the range that it was made from: byte for byte where both are equally long,
// else as a whole.
struct AlignedText {
  std::string_view text;
  SourceRange source;
};

// Where the bytes of `text` stand in `source`, which begins at `offset`. `text` is what an HTML
// parser made of `source`: character references became characters, "\r\n" became "\n", and tags
// that had no effect went away. What cannot be followed is one part.
std::vector<AlignedText> align_html(std::string_view text, std::string_view source,
                                    std::uint64_t offset);

}  // namespace vecdb
