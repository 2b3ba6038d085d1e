#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "store/damage.h"
#include "store/layout.h"
#include "store/rows.h"

// Rows of the catalogue from their columns, in the order of the table: of SQLite's answer
// (store/sqlite.h), or of a page of the file (store/page_scan.h). Both give integer() and text() of
// a column. Throws k_damaged unless a row is what was committed.
namespace vecdb {

// For what has the right checksum.
inline Error impossible(const std::filesystem::path& file, const std::string& what) {
  return damaged(file, what + " has numbers that cannot be true");
}

// Without its tombstones, which are rows of their own.
template <typename Columns>
SegmentRow segment_from(const Columns& columns, std::size_t dimension,
                        const std::filesystem::path& file) {
  SegmentRow row{.id = columns.integer(0),
                 .name = columns.text(1),
                 .bytes = columns.integer(3),
                 .sha256 = columns.text(4),
                 .dimension = columns.integer(5),
                 .count = columns.integer(7),
                 .generation = columns.integer(8),
                 .first = columns.integer(9),
                 .last = columns.integer(10),
                 .index = columns.text(11),
                 .dead = {}};
  const bool sound =
      row.name == segment_name(row.id, row.sha256) && columns.text(2) == "flat" &&
      columns.text(6) == "ip" &&
      columns.text(14) == checksum_of(row, columns.integer(12), columns.text(13));
  if (!sound) throw damaged(file, "the checksum of segment " + row.name + " does not match");
  if (!is_possible(row) || to_unsigned(row.dimension) != dimension) {
    throw impossible(file, "segment " + row.name);
  }
  return row;
}

// `first`: the column of its id.
template <typename Columns>
DocumentRow document_from(const Columns& columns, int first, const std::filesystem::path& file) {
  DocumentRow row;
  row.id = columns.integer(first);
  row.summary = {.record = {.uri = columns.text(first + 1),
                            .sha256 = columns.text(first + 2),
                            .size = to_unsigned(columns.integer(first + 3)),
                            .mtime_ns = columns.integer(first + 4),
                            .ctime_ns = columns.integer(first + 5),
                            .type = columns.text(first + 6),
                            .recipe = columns.text(first + 7),
                            .meta = columns.text(first + 8)},
                 .first_chunk = columns.integer(first + 9),
                 .chunks = to_unsigned(columns.integer(first + 10)),
                 .fits = {.truncated = to_unsigned(columns.integer(first + 11)),
                          .split = to_unsigned(columns.integer(first + 12)),
                          .averaged = to_unsigned(columns.integer(first + 13))},
                 .chunk_keys = columns.text(first + 16)};
  row.tokens = columns.integer(first + 14);
  row.text_bytes = columns.integer(first + 15);
  if (checksum_of(row) != columns.text(first + 17)) {
    throw damaged(file, "the checksum of document " + row.summary.record.uri + " does not match");
  }
  if (!is_possible(row)) throw impossible(file, "document " + row.summary.record.uri);
  return row;
}

// `uri`: the document's.
template <typename Columns>
ChunkRow chunk_from(const Columns& columns, const std::string& uri,
                    const std::filesystem::path& file) {
  ChunkRow row;
  row.id = columns.integer(0);
  row.document = columns.integer(1);
  row.number = columns.integer(2);
  row.record = {.chunk = {.start = to_unsigned(columns.integer(3)),
                          .end = to_unsigned(columns.integer(4)),
                          .line = to_unsigned(columns.integer(5)),
                          .text = columns.text(6),
                          .meta = columns.text(8)},
                .tokens = static_cast<std::uint32_t>(columns.integer(9)),
                .fit = static_cast<WindowFit>(columns.integer(10))};
  // Narrowed, a number can become the one that the checksum was made of.
  const bool is_whole = columns.integer(9) == std::int64_t{row.record.tokens} &&
                        columns.integer(10) == static_cast<std::int64_t>(row.record.fit);
  if (!is_whole || columns.integer(7) != key_of_text(row.record.chunk.text) ||
      checksum_of(row, uri) != columns.text(11)) {
    throw damaged(file, "the checksum of chunk " + std::to_string(row.number) + " of document " +
                            uri + " does not match");
  }
  if (!is_possible(row)) throw impossible(file, "a chunk of document " + uri);
  return row;
}

}  // namespace vecdb
