#include "store/flat_segment.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/sha256.h"
#include "base/verified_file.h"
#include "base/worker_pool.h"
#include "store/damage.h"
#include "store/faiss_module.h"
#include "store/flat_file.h"
#include "store/layout.h"

namespace vecdb {

namespace {

constexpr std::size_t k_id_bytes = sizeof(ChunkId);

// More than one of so many are not named one by one, 8 bytes each, where looking at a bit for every
// row costs little beside reading their vectors.
constexpr std::int64_t k_few = 16;

// Of rows of which `dead` has a bit for each, or none at all.
RowSelection::Each each_of(const std::vector<RowRange>& ranges, const std::vector<bool>& dead) {
  RowSelection::Each rows;
  for (const RowRange& range : ranges) {
    for (std::int64_t row = range.first; row < range.end; ++row) {
      if (dead.empty() || !dead[static_cast<std::size_t>(row)]) rows.push_back(row);
    }
  }
  return rows;
}

RowSelection::AllBut all_but(const std::vector<RowRange>& ranges, std::int64_t count,
                             const std::vector<bool>& dead) {
  RowSelection::AllBut left_out(static_cast<std::size_t>(count), true);
  for (const RowRange& range : ranges) {
    const auto first = left_out.begin() + range.first;
    if (dead.empty()) {
      std::fill(first, left_out.begin() + range.end, false);
    } else {
      std::copy(dead.begin() + range.first, dead.begin() + range.end, first);
    }
  }
  return left_out;
}

// FAISS uses one thread for one query, so the rows are searched in blocks. Their size is fixed:
// what is proposed does not depend on the number of threads.
constexpr std::int64_t k_block_rows = 16'384;

}  // namespace

void write_flat_segment(const std::filesystem::path& folder, std::span<const ChunkId> chunks,
                        const EachBlock& each_block, SegmentRow& row) {
  row.count = to_signed(chunks.size());
  row.bytes = flat_file_bytes(row.dimension, row.count);
  row.first = chunks.front();
  row.last = chunks.back();
  const std::string header = flat_header(row.dimension, row.count);
  const std::string ids = flat_count_of_ids(row.count);
  const auto each_part = [&](const std::function<void(VectorBlock)>& visit) {
    visit(std::as_bytes(std::span(header)));
    each_block(visit);
    visit(std::as_bytes(std::span(ids)));
    visit(std::as_bytes(chunks));
  };
  Sha256 hash;
  each_part([&](VectorBlock bytes) { hash.update(bytes); });
  row.sha256 = hash.hex_digest();
  row.name = segment_name(row.id, row.sha256);
  AtomicFile file(folder / row.name);
  each_part([&](VectorBlock bytes) { file.write(bytes); });
  file.commit();
}

FlatSegment::FlatSegment(const std::filesystem::path& file, SegmentRow row)
    : m_path(file), m_row(std::move(row)), m_file(file) {
  const std::int64_t size = to_signed(m_file.bytes().size());
  if (m_row.dimension <= 0 || m_row.count <= 0 || m_row.bytes != size ||
      size != flat_file_bytes(m_row.dimension, m_row.count)) {
    throw damaged(m_path, "has " + std::to_string(size) + " bytes, not the " +
                              std::to_string(m_row.bytes) + " that were committed");
  }
}

void FlatSegment::check(Check how) {
  const bool same = how == Check::k_cached ? has_sha256(m_file, m_row.sha256)
                                           : sha256_hex(m_file.bytes()) == m_row.sha256;
  if (!same) throw damaged(m_path, "its bytes are not those that were committed");
  const std::string header = flat_header(m_row.dimension, m_row.count);
  const std::string ids = flat_count_of_ids(m_row.count);
  bool agrees = std::memcmp(m_file.bytes().data(), header.data(), header.size()) == 0 &&
                std::memcmp(chunk_ids() - ids.size(), ids.data(), ids.size()) == 0 &&
                chunk_at(0) == m_row.first && chunk_at(m_row.count - 1) == m_row.last;
  for (std::int64_t row = 1; agrees && how == Check::k_anew && row < m_row.count; ++row) {
    agrees = chunk_at(row - 1) < chunk_at(row);
  }
  if (!agrees) throw damaged(m_path, "does not agree with the catalogue");

  if (m_row.dead.empty() || !m_dead.empty()) return;
  m_dead.resize(to_index(m_row.count));
  for (const ChunkId chunk : m_row.dead) {
    const auto row = find(chunk);
    if (!row) throw damaged(m_path, "lacks chunks that tombstones name");
    m_dead[to_index(*row)] = true;
  }
}

const std::byte* FlatSegment::chunk_ids() const {
  return m_file.bytes().data() + m_file.bytes().size() - to_index(m_row.count) * k_id_bytes;
}

ChunkId FlatSegment::chunk_at(std::int64_t row) const {
  ChunkId chunk = 0;
  std::memcpy(&chunk, chunk_ids() + to_index(row) * k_id_bytes, k_id_bytes);
  return chunk;
}

std::optional<std::int64_t> FlatSegment::find(ChunkId chunk) const {
  const std::int64_t row = row_from(chunk);
  if (row == m_row.count || chunk_at(row) != chunk) return std::nullopt;
  return row;
}

std::int64_t FlatSegment::row_from(ChunkId chunk) const {
  std::int64_t low = 0;
  for (std::int64_t high = m_row.count; low < high;) {
    const std::int64_t middle = low + (high - low) / 2;
    if (chunk_at(middle) < chunk) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::vector<RowRange> FlatSegment::rows_of(const ChunkRanges& chunks) const {
  std::vector<RowRange> rows;
  auto range = std::ranges::upper_bound(chunks, m_row.first, {}, &ChunkRange::end);
  for (; range != chunks.end() && range->first <= m_row.last; ++range) {
    const RowRange each{.first = row_from(range->first), .end = row_from(range->end)};
    if (!rows.empty() && rows.back().end == each.first) {
      rows.back().end = each.end;
    } else if (each.first < each.end) {
      rows.push_back(each);
    }
  }
  return rows;
}

VectorBlock FlatSegment::vectors(std::int64_t first_row, std::int64_t rows) const {
  const std::size_t bytes = to_index(m_row.dimension) * sizeof(float);
  return m_file.bytes().subspan(k_flat_header_bytes + to_index(first_row) * bytes,
                                to_index(rows) * bytes);
}

std::vector<float> FlatSegment::vector_at(std::int64_t row) const {
  std::vector<float> vector(to_index(m_row.dimension));
  std::memcpy(vector.data(), vectors(row, 1).data(), vector.size() * sizeof(float));
  return vector;
}

RowSelection FlatSegment::select(const ChunkRanges* among) const {
  if (among == nullptr) {
    RowSelection live{.most = m_row.live(), .is_few = false, .rows = RowRange{0, m_row.count}};
    if (!m_dead.empty()) live.rows = m_dead;
    return live;
  }
  const std::vector<RowRange> ranges = rows_of(*among);
  RowSelection selection;
  for (const RowRange& range : ranges) selection.most += range.end - range.first;
  selection.is_few = selection.most <= m_row.count / k_few;
  if (ranges.size() == 1 && m_dead.empty()) {
    selection.rows = ranges.front();
  } else if (selection.is_few) {
    selection.rows = each_of(ranges, m_dead);
  } else {
    selection.rows = all_but(ranges, m_row.count, m_dead);
  }
  return selection;
}

void FlatSegment::propose(std::span<const float> query, std::size_t count,
                          const RowSelection& selection, std::size_t threads,
                          std::vector<Proposal>& proposals) const {
  const std::size_t wanted = std::min(count, to_index(selection.most));
  if (wanted == 0) return;
  const auto* range = std::get_if<RowRange>(&selection.rows);
  const RowRange rows = range != nullptr ? *range : RowRange{0, m_row.count};
  // Of few rows, most blocks would have none.
  const std::int64_t block_rows = selection.is_few ? m_row.count : k_block_rows;
  const auto blocks = to_index((rows.end - rows.first + block_rows - 1) / block_rows);
  std::vector<std::vector<Proposal>> found(blocks);
  run_parallel(blocks, threads, [&](std::size_t i) {
    const std::int64_t first = rows.first + to_signed(i) * block_rows;
    const RowRange block{first, std::min(first + block_rows, rows.end)};
    found[i] = propose_of(query, wanted, block, selection);
  });
  for (const auto& each : found) proposals.insert(proposals.end(), each.begin(), each.end());
}

std::vector<Proposal> FlatSegment::propose_of(std::span<const float> query, std::size_t count,
                                              RowRange block,
                                              const RowSelection& selection) const {
  std::vector<Proposal> proposals;
  try {
    for (const FoundRow& found :
         faiss_module().search(query, vectors(0, m_row.count).data(), block, selection, count)) {
      proposals.push_back({.chunk = chunk_at(found.row), .score = found.score});
    }
  } catch (const FaissFailure& failure) {
    throw Error(ErrorKind::k_io, m_path.string() + ": FAISS cannot search it: " + failure.what());
  }
  return proposals;
}

}  // namespace vecdb
