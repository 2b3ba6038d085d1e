#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/chunk.h"
#include "base/utf8.h"
#include "text/split/python_regex.h"
#include "text/split/splitter.h"

namespace vecdb {

// What stands between two separators, with a kept separator: one stretch of the source, or two when
// the separator came from a group of the expression and does not lie beside it.
struct Piece {
  ByteRange first;
  ByteRange second;        // may be empty
  std::size_t length = 0;  // code points of both
};

// Joins pieces into chunks as they come. Holds the pieces of the next chunk only, so that memory is
// that of the chunks, and every piece enters and leaves once.
class PieceMerger {
 public:
  // `joiner` is put between two pieces of a chunk. Refers to all three.
  PieceMerger(std::string_view text, const SplitterOptions& options, std::string_view joiner);

  void add(const Piece& piece);  // not empty
  std::vector<Chunk> finish();   // call once, at the end

 private:
  // A stretch of the source that stands unchanged in the joined text.
  struct Run {
    ByteRange source;
    std::size_t at = 0;  // where it begins in the joined text
  };

  std::span<const Piece> pieces() const { return std::span(m_pieces).subspan(m_front); }
  std::size_t length_with(const Piece& piece) const;
  void drop_front();
  void emit();
  void build_runs();
  void append_to_runs(ByteRange source, std::string_view joiner);
  ByteRange source_of(ByteRange joined) const;
  ByteRange source_of_joiner(const Run& before, const Run& after, ByteRange joined) const;

  std::string_view m_text;
  const SplitterOptions& m_options;
  std::string_view m_joiner;
  std::size_t m_joiner_length;  // code points
  std::vector<Piece> m_pieces;  // those from m_front on are of the next chunk
  std::size_t m_front = 0;
  std::size_t m_length = 0;  // code points of the next chunk, joined
  std::size_t m_bytes = 0;   // of the pieces alone
  std::vector<Run> m_runs;
  LineCounter m_lines;
  std::vector<Chunk> m_chunks;
};

}  // namespace vecdb
