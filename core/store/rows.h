#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

// The catalogue's rows in memory, and the checksum that each carries (docs/FORMAT.md lists the
// fields and their order).
namespace vecdb {

// The one row that changes with every commit.
struct StateRow {
  std::int64_t generation = 0;  // number of commits
  std::int64_t documents = 0;
  std::int64_t segments = 0;
  std::int64_t next_document = 1;  // numbers not used so far
  std::int64_t next_chunk = 1;
  std::int64_t next_segment = 1;
};

struct SegmentRow {
  std::int64_t id = 0;
  std::string name;  // of the file in segments/
  std::int64_t bytes = 0;
  std::string sha256;  // of the whole file
  std::int64_t dimension = 0;
  std::int64_t count = 0;       // vectors, dead ones included
  std::int64_t generation = 0;  // the commit that made it
  ChunkId first = 0;            // its rows are chunks from `first` to `last`, in ascending order;
  ChunkId last = 0;             // those of other segments lie below or above
  std::string index;            // of an index over it (store/ivf_index.h), JSON; empty: none
  std::vector<ChunkId> dead;    // chunks that are no more, ascending; kept in tombstones

  std::int64_t live() const noexcept { return count - static_cast<std::int64_t>(dead.size()); }
};

struct DocumentRow {
  std::int64_t id = 0;
  DocumentSummary summary;
  std::int64_t tokens = 0;      // of all its chunks
  std::int64_t text_bytes = 0;  // of all its chunks
};

struct ChunkRow {
  ChunkId id = 0;
  std::int64_t document = 0;
  std::int64_t number = 0;
  ChunkRecord record;
};

// The catalogue and FAISS know signed numbers only.
inline std::int64_t to_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }
inline std::uint64_t to_unsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// What chunks are found by when their text is known: the first 8 bytes of its SHA-256, big-endian.
std::int64_t key_of_text(std::string_view text);

// Whether a row's numbers can be true at all. Its checksum only tells that they are those that were
// written; what is computed with them must not leave 64 bits, a file or an enumeration.
bool is_possible(const StateRow& row);
bool is_possible(const SegmentRow& row);
bool is_possible(const DocumentRow& row);
bool is_possible(const ChunkRow& row);

std::string checksum_of(const StateRow& row);
std::string checksum_of(const SegmentRow& row);
// The same by what the row says of its tombstones: how many, and their digest.
std::string checksum_of(const SegmentRow& row, std::int64_t dead, const std::string& digest);
std::string checksum_of(const DocumentRow& row);
std::string checksum_of(const ChunkRow& row, const std::string& uri);
// Over the dead chunks of one segment.
std::string tombstone_digest(const SegmentRow& row);

}  // namespace vecdb
