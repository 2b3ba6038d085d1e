#pragma once

#include <string_view>

#include "base/chunk.h"
#include "base/utf8.h"
#include "text/split/byte_range.h"
#include "text/split/splitter.h"

namespace vecdb {

// Hands out the chunks of one text, and tells their lines. Refers to the text and to the sink.
class ChunkWriter {
 public:
  ChunkWriter(std::string_view text, const ChunkSink& take)
      : m_text(text), m_lines(text), m_take(take) {}

  std::string_view text() const { return m_text; }
  // `text`: that of the chunk, not empty. Takes linear time when ranges go up, or a little down.
  void write(ByteRange source, std::string_view text);

 private:
  std::string_view m_text;
  LineCounter m_lines;
  const ChunkSink& m_take;
};

}  // namespace vecdb
