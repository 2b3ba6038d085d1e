#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "store/rows.h"

namespace vecdb {

// Rows of a catalogue that SQLite no longer finds its way to, because a page that leads to them is
// damaged: read from the pages they stand in, in the file or its log, and proved by their
// checksums. Pages that are no longer in use hold rows that were deleted, so what is found here may
// be one. Source: https://www.sqlite.org/fileformat2.html
class PageScan {
 public:
  // Only maps the files. A descriptor that is closed takes SQLite's locks away: make this before
  // this process opens the catalogue.
  explicit PageScan(const std::filesystem::path& catalogue);

  // Ascending.
  std::vector<std::int64_t> numbers_of_documents();
  std::vector<std::int64_t> numbers_of_segments();
  // The last that was written, as far as that can be told; nothing when none proves right.
  std::optional<DocumentRow> document(std::int64_t number);
  std::optional<ChunkRow> chunk(const DocumentRow& document, ChunkId id);
  // Without its tombstones.
  std::optional<SegmentRow> segment(std::int64_t number, std::size_t dimension);

 private:
  // A cell of a page.
  struct Place {
    std::int64_t id = 0;
    std::size_t page = 0;  // of the file, from 0; then those of the log
    std::size_t cell = 0;
  };
  class Row;

  void scan();
  void scan_page(std::size_t page);
  std::size_t page_count() const { return m_file_pages + m_log_pages; }
  std::span<const std::byte> page_at(std::size_t page) const;
  // The newest page of that number, from 1; empty when there is none.
  std::span<const std::byte> page_of_number(std::uint64_t number) const;
  static std::vector<std::int64_t> numbers_in(const std::vector<Place>& places);
  std::optional<Row> row_at(const Place& place) const;
  template <typename Read>
  auto find(const std::vector<Place>& places, std::int64_t id, const Read& read) const
      -> decltype(read(std::declval<const Row&>()));

  std::filesystem::path m_path;
  MappedFile m_file;
  std::optional<MappedFile> m_log;
  std::size_t m_file_pages = 0;
  std::size_t m_log_pages = 0;
  bool m_is_scanned = false;
  std::vector<Place> m_documents;  // by id, older pages first
  std::vector<Place> m_chunks;
  std::vector<Place> m_segments;
};

}  // namespace vecdb
