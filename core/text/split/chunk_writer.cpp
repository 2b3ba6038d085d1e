#include "text/split/chunk_writer.h"

#include <string>

namespace vecdb {

void ChunkWriter::write(ByteRange source, std::string_view text) {
  m_take({.start = source.start,
          .end = source.end,
          .line = m_lines.line_at(source.start),
          .text = std::string(text)});
}

}  // namespace vecdb
