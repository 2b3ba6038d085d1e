#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/split/chunk_writer.h"
#include "text/split/separator.h"
#include "text/split/splitter.h"

namespace vecdb {

// Joins pieces into chunks as they come. Holds the pieces of the next chunk only, so that memory is
// that of the chunks, and every piece enters and leaves once. A chunk of several pieces is never
// longer than chunk_size, joined and stripped.
class PieceMerger {
 public:
  // `joiner` is put between two pieces of a chunk. Refers to all of them; without a measure lengths
  // are code points.
  PieceMerger(ChunkWriter& chunks, const SplitterOptions& options, const TextMeasure* measure,
              std::string_view joiner);

  void add(const Piece& piece, std::size_t length);  // not empty
  void flush();  // what comes after it is not joined, nor overlaps

 private:
  struct Measured {
    Piece piece;
    std::size_t length = 0;

    std::size_t bytes() const { return piece.first.size() + piece.second.size(); }
  };

  // A stretch of the source that stands unchanged in the joined text.
  struct Run {
    ByteRange source;
    std::size_t at = 0;  // where it begins in the joined text
  };

  std::span<const Measured> pieces() const { return std::span(m_pieces).subspan(m_front); }
  std::size_t length_with(std::size_t length) const;
  bool extend_last(const Piece& piece, std::size_t length);
  bool is_joined_at(std::size_t end, std::size_t start, std::string_view joiner) const;
  void drop_front();
  void emit();
  bool fits(std::span<const Measured> pieces);
  std::size_t count_fitting(std::span<const Measured> pieces);
  void write(std::span<const Measured> pieces);
  std::string_view join(std::span<const Measured> pieces);
  void build_runs(std::span<const Measured> pieces);
  void append_to_runs(ByteRange source, std::string_view joiner);
  ByteRange source_of(ByteRange joined) const;
  ByteRange source_of_joiner(const Run& before, const Run& after, ByteRange joined) const;

  ChunkWriter& m_chunks;
  const SplitterOptions& m_options;
  const TextMeasure* m_measure;
  std::string_view m_joiner;
  std::size_t m_joiner_length;
  std::vector<Measured> m_pieces;  // those from m_front on are of the next chunk
  std::size_t m_front = 0;
  std::size_t m_length = 0;  // of the next chunk, by its pieces and joiners
  std::vector<Run> m_runs;   // of the chunk that is being written
  std::string m_joined;      // its text, when that has more than one run
};

}  // namespace vecdb
