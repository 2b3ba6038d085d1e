#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/faiss_module.h"
#include "store/flat_segment.h"
#include "store/store.h"

// An inverted file over one flat segment (Sivic and Zisserman 2003; Jégou, Douze and Schmid 2011):
// its vectors sorted into lists by the nearest of some centroids, of which a search reads a few. It
// is derived from the segment, which stays the truth: an index can be removed at any time.
namespace vecdb {

// What the catalogue says of an index.
struct IvfRow {
  std::string name;        // of the file in segments/
  std::int64_t bytes = 0;  // of the file
  std::string sha256;      // of the file
  std::int64_t lists = 0;
  VectorCodes codes = VectorCodes::k_sq8;
  std::vector<RecallPoint> recall;  // measured when it was made; ascending
};

// One JSON object on one line, and back from a segment's row that has one. `file` is named where
// the text is not one, or no index can be so: k_damaged.
std::string to_text(const IvfRow& row);
IvfRow parse_ivf_row(const SegmentRow& segment, const std::filesystem::path& file);

// The names of a segment's files: its own, and that of its index where it has one.
std::vector<std::string> files_of(const SegmentRow& row, const std::filesystem::path& catalogue);

// Makes the index of a checked segment without dead rows, durably: the file is what
// faiss::write_index makes of an IndexIVFFlat or IndexIVFScalarQuantizer whose ids are the
// segment's rows. Nothing is left when it returns nothing, because of an interrupt.
std::optional<IvfRow> make_ivf_index(const std::filesystem::path& folder,
                                     const FlatSegment& segment, VectorCodes codes);

// A committed index, its lists mapped and searched where they lie.
class IvfIndex {
 public:
  // Only maps the file and compares its size: k_damaged when that is another one.
  IvfIndex(const std::filesystem::path& file, IvfRow row);

  const IvfRow& row() const noexcept { return m_row; }

  // Compares the content with the catalogue and with the segment, and opens it; k_damaged. Like
  // FlatSegment::check(); when all of it is asked for anew, the rows in the lists are compared too.
  void check(const SegmentRow& segment, FlatSegment::Check how);

  // How many lists to search for a share of the true neighbours, by the row's table.
  std::size_t lists_for(double recall) const;

  // The rest is for an index that was checked.

  // All of the file.
  bool is_unchanged() const { return m_file.is_unchanged(m_path); }
  VectorBlock bytes() const noexcept { return m_file.bytes(); }

  // Appends the best rows of some lists, at most `count` and of the selection, with scores from the
  // segment's own vectors.
  void propose(const FlatSegment& segment, std::span<const float> query, std::size_t count,
               const RowSelection& selection, std::size_t lists,
               std::vector<Proposal>& proposals) const;

 private:
  std::filesystem::path m_path;
  IvfRow m_row;
  MappedFile m_file;
  std::unique_ptr<FaissIvf> m_index;
};

}  // namespace vecdb
