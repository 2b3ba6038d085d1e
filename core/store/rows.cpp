#include "store/rows.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/sha256.h"
#include "store/row_checksum.h"

namespace vecdb {

void FitCounts::add(WindowFit fit) noexcept {
  truncated += fit == WindowFit::k_truncated ? 1 : 0;
  split += fit == WindowFit::k_split ? 1 : 0;
  averaged += fit == WindowFit::k_averaged ? 1 : 0;
}

FitCounts& FitCounts::operator+=(const FitCounts& other) noexcept {
  truncated += other.truncated;
  split += other.split;
  averaged += other.averaged;
  return *this;
}

bool is_better(const Proposal& a, const Proposal& b) noexcept {
  return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
}

std::int64_t key_of_text(std::string_view text) {
  const std::string digest = sha256_hex(text);
  std::uint64_t key = 0;
  std::from_chars(digest.data(), digest.data() + 16, key, 16);
  return to_signed(key);
}

bool is_possible(const StateRow& row) {
  return row.generation >= 0 && row.documents >= 0 && row.segments >= 0 &&
         row.next_document > 0 && row.next_chunk > 0 && row.next_segment > 0;
}

bool is_possible(const SegmentRow& row) {
  const auto is_row = [&](ChunkId chunk) { return row.first <= chunk && chunk <= row.last; };
  return row.id > 0 && row.bytes > 0 && row.dimension > 0 && row.count > 0 && row.generation >= 0 &&
         row.first > 0 && row.first <= row.last && row.last < INT64_MAX &&
         row.count - 1 <= row.last - row.first &&
         to_signed(row.dead.size()) <= row.count && std::ranges::all_of(row.dead, is_row) &&
         std::ranges::adjacent_find(row.dead, std::greater_equal()) == row.dead.end();
}

bool is_possible(const DocumentRow& row) {
  const auto& [record, first_chunk, chunks, fits, chunk_keys] = row.summary;
  const auto is_part = [all = chunks](std::uint64_t part) { return part <= all; };
  return row.id > 0 && first_chunk > 0 && to_signed(chunks) >= 0 &&
         to_signed(chunks) <= INT64_MAX - first_chunk && is_part(fits.truncated) &&
         is_part(fits.split) && is_part(fits.averaged) && row.tokens >= 0 && row.text_bytes >= 0;
}

bool is_possible(const ChunkRow& row) {
  return row.id > 0 && row.id < INT64_MAX && row.document > 0 && row.number >= 0 &&
         row.record.fit <= WindowFit::k_averaged;
}

std::string checksum_of(const StateRow& row) {
  return RowChecksum("state")
      .add(row.generation)
      .add(row.documents)
      .add(row.segments)
      .add(row.next_document)
      .add(row.next_chunk)
      .add(row.next_segment)
      .hex();
}

std::string checksum_of(const SegmentRow& row) {
  return checksum_of(row, to_signed(row.dead.size()), tombstone_digest(row));
}

std::string checksum_of(const SegmentRow& row, std::int64_t dead, const std::string& digest) {
  return RowChecksum("segments")
      .add(row.id)
      .add(row.name)
      .add("flat")
      .add(row.bytes)
      .add(row.sha256)
      .add(row.dimension)
      .add("ip")
      .add(row.count)
      .add(row.generation)
      .add(row.first)
      .add(row.last)
      .add(row.index)
      .add(dead)
      .add(digest)
      .hex();
}

std::string checksum_of(const DocumentRow& row) {
  const DocumentRecord& record = row.summary.record;
  return RowChecksum("documents")
      .add(row.id)
      .add(record.uri)
      .add(record.sha256)
      .add(to_signed(record.size))
      .add(record.mtime_ns)
      .add(record.ctime_ns)
      .add(record.type)
      .add(record.recipe)
      .add(record.meta)
      .add(row.summary.first_chunk)
      .add(to_signed(row.summary.chunks))
      .add(to_signed(row.summary.fits.truncated))
      .add(to_signed(row.summary.fits.split))
      .add(to_signed(row.summary.fits.averaged))
      .add(row.tokens)
      .add(row.text_bytes)
      .add(row.summary.chunk_keys)
      .hex();
}

std::string checksum_of(const ChunkRow& row, const std::string& uri) {
  const Chunk& chunk = row.record.chunk;
  return RowChecksum("chunks")
      .add(row.id)
      .add(row.document)
      .add(uri)
      .add(row.number)
      .add(to_signed(chunk.start))
      .add(to_signed(chunk.end))
      .add(to_signed(chunk.line))
      .add(chunk.text)
      .add(key_of_text(chunk.text))
      .add(chunk.meta)
      .add(std::int64_t{row.record.tokens})
      .add(static_cast<std::int64_t>(row.record.fit))
      .hex();
}

std::string tombstone_digest(const SegmentRow& row) {
  RowChecksum checksum("tombstones");
  for (const ChunkId dead : row.dead) checksum.add(dead);
  return checksum.hex();
}

}  // namespace vecdb
