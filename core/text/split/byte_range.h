#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace vecdb {

// Half-open range of bytes.
struct ByteRange {
  std::size_t start = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - start; }
  ByteRange shifted(std::size_t bytes) const { return {start + bytes, end + bytes}; }
};

inline std::string_view slice(std::string_view text, ByteRange range) {
  return text.substr(range.start, range.size());
}

// From the beginning of the first one to the end of the last one.
inline ByteRange cover(ByteRange a, ByteRange b) {
  return {std::min(a.start, b.start), std::max(a.end, b.end)};
}

}  // namespace vecdb
