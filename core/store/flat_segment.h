#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "store/rows.h"
#include "store/store.h"

namespace vecdb {

// Writes the documents' vectors, in order, as segment number row.id into `folder`, durably, and
// fills in the row's name, bytes and sha256. They are row.count > 0 vectors of row.dimension
// floats. The file is what faiss::write_index makes of an IndexFlatIP.
void write_flat_segment(const std::filesystem::path& folder, std::span<const NewDocument> documents,
                        SegmentRow& row);

// A committed segment, mapped and searched where it lies.
class FlatSegment {
 public:
  // Only maps the file and compares its size: k_damaged when that is another one.
  FlatSegment(const std::filesystem::path& file, SegmentRow row);

  const SegmentRow& row() const noexcept { return m_row; }
  std::int64_t live() const noexcept {
    return m_row.count - static_cast<std::int64_t>(m_row.dead.size());
  }

  // Compares the content with the catalogue; throws k_damaged. May trust an earlier check of the
  // same file (base/verified_file.h), unless all of it is asked for anew.
  enum class Check { k_cached, k_anew };
  void check(Check how) const;

  // The rest is for a segment that was checked.

  // Appends the `count` best live rows, or all when there are fewer.
  void propose(std::span<const float> query, std::size_t count,
               std::vector<Proposal>& proposals) const;
  std::vector<float> vector_at(std::int64_t row) const;

 private:
  std::filesystem::path m_path;
  SegmentRow m_row;
  std::vector<bool> m_dead;  // by row; empty when all are live
  MappedFile m_file;
};

}  // namespace vecdb
