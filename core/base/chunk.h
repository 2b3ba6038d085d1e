#pragma once

#include <cstdint>
#include <string>

namespace vecdb {

// A passage of a document: what is encoded, stored and returned.
struct Chunk {
  std::uint64_t start = 0;  // first byte in the source, from 0
  std::uint64_t end = 0;    // one past the last byte in the source
  std::uint64_t line = 0;   // line of the first byte, from 1
  // UTF-8, never empty. Equal to the source's bytes [start, end), except where a splitter joins
  // pieces with something that is not the source's own text; the range then covers it.
  std::string text;
  // One JSON object on one line of what is known of this chunk alone, e.g. {"page":3}; empty for
  // nothing.
  std::string meta = {};

  friend bool operator==(const Chunk&, const Chunk&) = default;
};

}  // namespace vecdb
