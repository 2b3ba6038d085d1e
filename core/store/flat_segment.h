#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "store/row_selection.h"
#include "store/rows.h"
#include "store/store.h"

namespace vecdb {

// Writes vectors as segment number row.id into `folder`, durably, and fills in the row's name,
// size, sha256, count, first and last. `chunks` are their ids, ascending and not empty; each_block
// hands on the vectors, row.dimension floats each, in the same order and any number at a time, and
// is called more than once. The file is what faiss::write_index makes of an IndexIDMap over an
// IndexFlatIP.
using VectorBlock = std::span<const std::byte>;
using EachBlock = std::function<void(const std::function<void(VectorBlock)>&)>;
void write_flat_segment(const std::filesystem::path& folder, std::span<const ChunkId> chunks,
                        const EachBlock& each_block, SegmentRow& row);

// A committed segment, mapped and searched where it lies.
class FlatSegment {
 public:
  // Only maps the file and compares its size: k_damaged when that is another one.
  FlatSegment(const std::filesystem::path& file, SegmentRow row);

  const SegmentRow& row() const noexcept { return m_row; }
  bool covers(ChunkId chunk) const noexcept { return m_row.first <= chunk && chunk <= m_row.last; }

  // Compares the content with the catalogue; throws k_damaged. May trust an earlier check of the
  // same file (base/verified_file.h), unless all of it is asked for anew.
  enum class Check { k_cached, k_anew };
  void check(Check how);

  // The rest is for a segment that was checked.

  ChunkId chunk_at(std::int64_t row) const;
  // Where the vector of a chunk is, dead or alive; nothing when it is not here.
  std::optional<std::int64_t> find(ChunkId chunk) const;
  bool is_dead(std::int64_t row) const { return !m_dead.empty() && m_dead[to_index(row)]; }
  // See MappedFile.
  bool is_unchanged() const { return m_file.is_unchanged(m_path); }
  void release_pages() const noexcept { m_file.release_pages(); }
  // All of the file.
  VectorBlock bytes() const noexcept { return m_file.bytes(); }
  // The floats of some rows; not aligned for floats.
  VectorBlock vectors(std::int64_t first_row, std::int64_t rows) const;
  std::vector<float> vector_at(std::int64_t row) const;

  // The live rows, of all chunks or of some.
  RowSelection select(const ChunkRanges* among) const;
  // Appends rows of a selection in any order, the `count` best among them; all when there are
  // fewer. Up to `threads` threads search, which makes no difference to what is found.
  void propose(std::span<const float> query, std::size_t count, const RowSelection& selection,
               std::size_t threads, std::vector<Proposal>& proposals) const;

 private:
  static std::size_t to_index(std::int64_t row) { return static_cast<std::size_t>(row); }
  const std::byte* chunk_ids() const;
  // The first row of this chunk or a later one; row().count when there is none.
  std::int64_t row_from(ChunkId chunk) const;
  std::vector<RowRange> rows_of(const ChunkRanges& chunks) const;
  // The `count` best of those rows of a block that are selected.
  std::vector<Proposal> propose_of(std::span<const float> query, std::size_t count, RowRange block,
                                   const RowSelection& selection) const;

  std::filesystem::path m_path;
  SegmentRow m_row;
  std::vector<bool> m_dead;  // by row, once checked; empty when all are live
  MappedFile m_file;
};

}  // namespace vecdb
