#include <algorithm>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/interrupt.h"
#include "store/archive.h"
#include "store/catalogue.h"
#include "store/consistency.h"
#include "store/damage.h"
#include "store/flat_segment.h"
#include "store/head.h"
#include "store/ivf_index.h"
#include "store/layout.h"
#include "store/recall.h"
#include "store/store.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

bool has_any(const SegmentRow& segment, const ChunkRanges& chunks) {
  const auto range = std::ranges::upper_bound(chunks, segment.first, {}, &ChunkRange::end);
  return range != chunks.end() && range->first <= segment.last;
}

std::optional<FileStamp> folder_of(const fs::path& store) {
  std::error_code error;
  return fs::is_directory(store, error) ? find_stamp(store) : std::nullopt;
}

bool is_same_folder(const std::optional<FileStamp>& a, const std::optional<FileStamp>& b) {
  return a && b ? a->device == b->device && a->inode == b->inode : a.has_value() == b.has_value();
}

StoredChunk to_stored(ChunkRow chunk, const DocumentRecord& document) {
  return {.id = chunk.id,
          .number = to_unsigned(chunk.number),
          .record = std::move(chunk.record),
          .document = document};
}

}  // namespace

struct StoreReader::Impl {
  Impl(const StoreLayout& store_layout, std::size_t search_threads)
      : threads(search_threads),
        layout(store_layout),
        head(require_store(layout)),
        catalogue_stamp(find_stamp(layout.catalogue)),
        catalogue(Catalogue::open_to_read(layout.catalogue)) {
    compare_with_head(layout, catalogue, head);
    generation = catalogue.state().generation;
  }

  // Whether all segments could be mapped. A file may be missing because a writer has removed it
  // since; then there is a newer generation. `is_newest`: that was looked for.
  bool map_segments(bool is_newest) {
    for (const SegmentRow& row : catalogue.segments()) {
      const fs::path file = layout.segment(row.name);
      try {
        segments.emplace_back(FlatSegment(file, row));
      } catch (const Error&) {
        if (!is_gone(file)) throw;
        missing = file;
        return false;
      }
      if (!row.index.empty() && !map_index(row, is_newest)) return false;
    }
    return true;
  }

  // What is wrong with an index matters when it is used.
  bool map_index(const SegmentRow& row, bool is_newest) {
    IvfRow index = parse_ivf_row(row, layout.catalogue);
    const fs::path file = layout.segment(index.name);
    OpenSegment& open = segments.back();
    try {
      open.index.emplace(file, std::move(index));
    } catch (const Error& error) {
      if (is_gone(file) && !is_newest) return false;
      open.index_error = is_gone(file) ? damaged_index(file, "is missing") : error;
    }
    return true;
  }

  static bool is_gone(const fs::path& file) {
    std::error_code error;
    return !fs::exists(file, error) && !error;
  }

  struct OpenSegment {
    explicit OpenSegment(FlatSegment opened) : segment(std::move(opened)) {}

    // Before any of its content is used.
    const FlatSegment& checked() {
      if (!is_checked) segment.check(FlatSegment::Check::k_cached);
      is_checked = true;
      return segment;
    }

    const IvfIndex& checked_index() {
      if (index_error) throw *index_error;
      if (!is_index_checked) index->check(segment.row(), FlatSegment::Check::k_cached);
      is_index_checked = true;
      return *index;
    }

    void propose(std::span<const float> query, std::size_t count, const ChunkRanges* among,
                 const SearchEffort& effort, std::size_t most_threads,
                 std::vector<Proposal>& proposals) {
      const FlatSegment& flat = checked();
      const RowSelection selection = flat.select(among);
      if (selection.is_few || !uses_index(effort)) {
        return flat.propose(query, count, selection, most_threads, proposals);
      }
      // Where a filter lets one of n rows pass, one of n is found in a list.
      const IvfIndex& ivf = checked_index();
      const auto all = static_cast<std::size_t>(ivf.row().lists);
      const double share =
          static_cast<double>(flat.row().count) / static_cast<double>(selection.most);
      const std::size_t asked = effort.lists ? *effort.lists : ivf.lists_for(effort.recall);
      auto lists = static_cast<std::size_t>(
          std::min(std::ceil(static_cast<double>(asked) * share), static_cast<double>(all)));
      // As many as are asked for are found, if there are as many: few lists may hold fewer.
      const std::size_t before = proposals.size();
      const std::size_t wanted = std::min(count, static_cast<std::size_t>(selection.most));
      for (;; lists = std::min(2 * lists, all)) {
        proposals.resize(before);
        ivf.propose(flat, query, count, selection, lists, proposals);
        if (proposals.size() - before >= wanted || lists == all) return;
      }
    }

    bool uses_index(const SearchEffort& effort) const {
      return (index || index_error) && (effort.lists || effort.recall < 1);
    }

    FlatSegment segment;
    std::optional<IvfIndex> index;
    std::optional<Error> index_error;  // why there is none though there should be
    bool is_checked = false;
    bool is_index_checked = false;
  };

  std::size_t threads;
  StoreLayout layout;
  Head head;
  std::optional<FileStamp> catalogue_stamp;  // before it was opened
  Catalogue catalogue;
  std::int64_t generation = 0;
  std::vector<OpenSegment> segments;  // in order of their chunks
  fs::path missing;
};

StoreReader::StoreReader(const fs::path& store, std::size_t threads) {
  for (;;) {
    const std::optional<FileStamp> before = folder_of(store);
    try {
      open(store, threads);
      return;
    } catch (const Error&) {
      // What was opened may be of two stores where another one has taken this one's place since.
      if (is_same_folder(before, folder_of(store))) throw;
    }
  }
}

void StoreReader::open(const fs::path& store, std::size_t threads) {
  const StoreLayout layout(store);
  for (std::int64_t last_generation = -1;;) {
    m_impl = std::make_unique<Impl>(layout, threads);
    const bool is_newest = m_impl->generation == last_generation;
    if (m_impl->map_segments(is_newest)) return;
    if (is_newest) throw damaged(m_impl->missing, "is missing");
    last_generation = m_impl->generation;
  }
}

StoreReader::~StoreReader() = default;
StoreReader::StoreReader(StoreReader&&) noexcept = default;

bool StoreReader::has_unchanged_files() const {
  if (find_stamp(m_impl->layout.catalogue) != m_impl->catalogue_stamp) return false;
  return std::ranges::all_of(m_impl->segments, [](const auto& open) {
    return open.segment.is_unchanged() && (!open.index || open.index->is_unchanged());
  });
}

const StoreSettings& StoreReader::settings() const noexcept { return m_impl->catalogue.settings(); }

std::size_t StoreReader::threads() const noexcept { return m_impl->threads; }

std::vector<DocumentSummary> StoreReader::documents() const {
  std::vector<DocumentSummary> summaries;
  each_document([&](const DocumentSummary& summary) {
    summaries.push_back(summary);
    return true;
  });
  return summaries;
}

void StoreReader::each_document(const std::function<bool(const DocumentSummary&)>& visit) const {
  m_impl->catalogue.each_document([&](const DocumentRow& row) { return visit(row.summary); });
}

std::optional<DocumentSummary> StoreReader::find_document(const std::string& uri) const {
  auto row = m_impl->catalogue.find_document(uri);
  if (!row) return std::nullopt;
  return std::move(row->summary);
}

void StoreReader::require_absent(std::span<const std::string> uris) const {
  m_impl->catalogue.require_absent(uris);
}

std::vector<StoredChunk> StoreReader::chunks_of(const std::string& uri) const {
  std::vector<StoredChunk> chunks;
  const auto document = m_impl->catalogue.find_document(uri);
  if (!document) return chunks;
  for (ChunkRow& row : m_impl->catalogue.chunks_of(*document)) {
    chunks.push_back(to_stored(std::move(row), document->summary.record));
  }
  return chunks;
}

void StoreReader::each_chunk_of(
    const std::string& uri, const std::function<bool(ChunkId, const ChunkRecord&)>& visit) const {
  const auto document = m_impl->catalogue.find_document(uri);
  if (!document) return;
  m_impl->catalogue.each_chunk_of(*document,
                                  [&](const ChunkRow& row) { return visit(row.id, row.record); });
}

std::optional<StoredChunk> StoreReader::find_chunk(ChunkId id) const {
  auto found = m_impl->catalogue.find_chunk(id);
  if (!found) return std::nullopt;
  return to_stored(std::move(found->chunk), found->document.summary.record);
}

StoredChunk StoreReader::chunk_of_vector(ChunkId chunk) const {
  auto found = find_chunk(chunk);
  if (!found) {
    throw damaged(m_impl->layout.catalogue,
                  "chunk " + std::to_string(chunk) + " is missing, though it has a vector");
  }
  return std::move(*found);
}

StoreStats StoreReader::stats() const {
  StoreStats stats;
  m_impl->catalogue.each_document([&](const DocumentRow& row) {
    ++stats.documents;
    stats.chunks += row.summary.chunks;
    stats.fits += row.summary.fits;
    stats.tokens += to_unsigned(row.tokens);
    stats.text_bytes += to_unsigned(row.text_bytes);
    return true;
  });
  for (const auto& open : m_impl->segments) {
    const auto& [segment, index] = std::tie(open.segment, open.index);
    ++stats.segments;
    stats.dead_rows += segment.row().dead.size();
    stats.disk_bytes += to_unsigned(segment.row().bytes);
    if (!index) continue;
    stats.indexed += to_unsigned(segment.row().live());
    stats.disk_bytes += to_unsigned(index->row().bytes);
  }
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = fs::file_size(m_impl->layout.catalogue.string() + suffix, error);
    if (!error) stats.disk_bytes += size;
  }
  stats.generation = to_unsigned(m_impl->generation);
  return stats;
}

std::vector<KnownText> StoreReader::find_text(std::string_view text) const {
  std::vector<KnownText> known;
  m_impl->catalogue.each_chunk_of_text(text, [&](const Catalogue::ChunkInDocument& found) {
    const ChunkRecord& record = found.chunk.record;
    const auto has_its_fit = [&](const KnownText& each) { return each.fit == record.fit; };
    if (std::ranges::none_of(known, has_its_fit)) {
      known.push_back({.chunk = found.chunk.id, .tokens = record.tokens, .fit = record.fit});
    }
    return record.fit != WindowFit::k_whole;  // which says that no other fit is possible
  });
  return known;
}

std::vector<Proposal> StoreReader::propose(std::span<const float> query, std::size_t count,
                                           const ChunkRanges* among,
                                           const SearchEffort& effort) const {
  if (query.size() != settings().dimension) {
    throw Error(ErrorKind::k_usage, "query vector: has " + std::to_string(query.size()) +
                                        " dimensions, the store's have " +
                                        std::to_string(settings().dimension));
  }
  if (!std::all_of(query.begin(), query.end(), [](float x) { return std::isfinite(x); })) {
    throw Error(ErrorKind::k_usage, "query vector: holds a value that is not finite");
  }
  std::vector<Proposal> proposals;
  for (auto& open : m_impl->segments) {
    if (among != nullptr && !has_any(open.segment.row(), *among)) continue;
    open.propose(query, count, among, effort, m_impl->threads, proposals);
  }
  const std::size_t kept = std::min(count, proposals.size());
  std::partial_sort(proposals.begin(), proposals.begin() + static_cast<std::ptrdiff_t>(kept),
                    proposals.end(), is_better);
  proposals.resize(kept);
  return proposals;
}

bool StoreReader::is_exact(const SearchEffort& effort) const {
  return std::ranges::none_of(m_impl->segments,
                              [&](const auto& open) { return open.uses_index(effort); });
}

std::vector<RecallPoint> StoreReader::measure_recall(std::size_t questions, double enough) const {
  std::vector<RecallPoint> table;
  std::size_t most = 0;
  std::vector<std::pair<const FlatSegment*, std::int64_t>> live;  // a segment's rows
  std::int64_t rows = 0;
  for (auto& open : m_impl->segments) {
    if (open.index) most = std::max(most, static_cast<std::size_t>(open.index->row().lists));
    live.emplace_back(&open.checked(), rows);
    rows += open.segment.row().count;
  }
  if (most == 0) return table;
  RecallSample sample;
  const auto wanted = static_cast<std::int64_t>(std::max<std::size_t>(questions, 1));
  const std::int64_t step = std::max<std::int64_t>(1, rows / wanted);
  for (const auto& [segment, before] : live) {
    // Every step-th row of the store.
    for (std::int64_t row = (step - before % step) % step; row < segment->row().count;
         row += step) {
      if (pending_interrupt() != 0) return table;
      if (segment->is_dead(row)) continue;
      sample.add(segment->chunk_at(row), segment->vector_at(row),
                 [&](const auto& query, auto count) {
                   return propose(query, count, nullptr, {.lists = {}, .recall = 1});
                 });
    }
  }
  for (std::size_t lists = 1; lists <= most && pending_interrupt() == 0;
       lists = next_effort(lists)) {
    const double recall = sample.recall([&](const auto& query, auto count) {
      return propose(query, count, nullptr, {.lists = lists});
    });
    table.push_back({.lists = lists, .recall = recall});
    if (recall >= enough) break;
  }
  return table;
}

std::vector<float> StoreReader::vector_of(ChunkId chunk) const {
  std::vector<float> vector(settings().dimension);
  std::memcpy(vector.data(), vector_bytes_of(chunk), vector.size() * sizeof(float));
  return vector;
}

const std::byte* StoreReader::vector_bytes_of(ChunkId chunk) const {
  const auto open = std::ranges::find_if(
      m_impl->segments, [&](const auto& each) { return chunk <= each.segment.row().last; });
  if (open != m_impl->segments.end()) {
    const FlatSegment& segment = open->checked();
    const auto row = segment.find(chunk);
    if (row && !segment.is_dead(*row)) return segment.vectors(*row, 1).data();
  }
  const std::string name = "chunk " + std::to_string(chunk);
  if (find_chunk(chunk)) throw damaged(m_impl->layout.catalogue, name + " has no vector");
  throw Error(ErrorKind::k_usage, name + ": the store has no vector of it");
}

bool StoreReader::write_archive(const fs::path& scratch, const ByteSink& sink) const {
  Catalogue& catalogue = m_impl->catalogue;
  const auto goes_on = [](const auto&) { return pending_interrupt() == 0; };
  catalogue.each_document([&](const DocumentRow& document) {
    catalogue.each_chunk_of(document, goes_on);
    return goes_on(document);
  });
  if (pending_interrupt() != 0) return false;
  ArchiveContent content{
      .head = {.store = catalogue.store_id(), .generation = m_impl->generation},
      .catalogue = catalogue,
      .files = {}};
  for (auto& open : m_impl->segments) {
    open.segment.check(FlatSegment::Check::k_anew);
    content.files.emplace_back(open.segment.row().name, open.segment.bytes());
    if (open.index_error) throw *open.index_error;
    if (open.index) {
      open.index->check(open.segment.row(), FlatSegment::Check::k_anew);
      content.files.emplace_back(open.index->row().name, open.index->bytes());
    }
    if (pending_interrupt() != 0) return false;
  }
  return vecdb::write_archive(content, scratch, sink);
}

}  // namespace vecdb
