#pragma once

#include <string_view>
#include <vector>

#include "base/chunk.h"
#include "base/utf8.h"
#include "text/split/byte_range.h"

namespace vecdb {

// Gathers the chunks of one text, and tells their lines. Refers to the text.
class ChunkWriter {
 public:
  explicit ChunkWriter(std::string_view text) : m_text(text), m_lines(text) {}

  std::string_view text() const { return m_text; }
  // `text`: that of the chunk, not empty. Takes linear time when ranges go up, or a little down.
  void write(ByteRange source, std::string_view text);
  std::vector<Chunk> finish() { return std::move(m_chunks); }

 private:
  std::string_view m_text;
  LineCounter m_lines;
  std::vector<Chunk> m_chunks;
};

}  // namespace vecdb
