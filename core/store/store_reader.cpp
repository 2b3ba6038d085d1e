#include <algorithm>
#include <cmath>
#include <system_error>
#include <utility>

#include "store/catalogue.h"
#include "store/consistency.h"
#include "store/damage.h"
#include "store/flat_segment.h"
#include "store/head.h"
#include "store/layout.h"
#include "store/store.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

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
        catalogue(Catalogue::open_to_read(layout.catalogue)) {
    compare_with_head(layout, catalogue, head);
    generation = catalogue.state().generation;
  }

  // Whether all segments could be mapped. One may be missing because a writer has removed it since;
  // then there is a newer generation.
  bool map_segments() {
    for (SegmentRow& row : catalogue.segments()) {
      const fs::path file = layout.segment(row.name);
      try {
        segments.push_back({.segment = FlatSegment(file, std::move(row))});
      } catch (const Error& error) {
        std::error_code ignored;
        if (fs::exists(file, ignored) || ignored) throw;
        missing = file;
        return false;
      }
    }
    return true;
  }

  struct OpenSegment {
    // Before any of its content is used.
    const FlatSegment& checked() {
      if (!is_checked) segment.check(FlatSegment::Check::k_cached);
      is_checked = true;
      return segment;
    }

    FlatSegment segment;
    bool is_checked = false;
  };

  std::size_t threads;
  StoreLayout layout;
  Head head;
  Catalogue catalogue;
  std::int64_t generation = 0;
  std::vector<OpenSegment> segments;  // in order of their chunks
  fs::path missing;
};

StoreReader::StoreReader(const fs::path& store, std::size_t threads) {
  const StoreLayout layout(store);
  for (std::int64_t last_generation = -1;;) {
    m_impl = std::make_unique<Impl>(layout, threads);
    if (m_impl->map_segments()) return;
    if (m_impl->generation == last_generation) throw damaged(m_impl->missing, "is missing");
    last_generation = m_impl->generation;
  }
}

StoreReader::~StoreReader() = default;
StoreReader::StoreReader(StoreReader&&) noexcept = default;

const StoreSettings& StoreReader::settings() const noexcept { return m_impl->catalogue.settings(); }

std::vector<DocumentSummary> StoreReader::documents() const {
  std::vector<DocumentSummary> summaries;
  each_document([&](const DocumentSummary& summary) { summaries.push_back(summary); });
  return summaries;
}

void StoreReader::each_document(const std::function<void(const DocumentSummary&)>& visit) const {
  m_impl->catalogue.each_document([&](const DocumentRow& row) { visit(row.summary); });
}

std::optional<DocumentSummary> StoreReader::find_document(const std::string& uri) const {
  auto row = m_impl->catalogue.find_document(uri);
  if (!row) return std::nullopt;
  return std::move(row->summary);
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
  });
  for (const auto& [segment, is_checked] : m_impl->segments) {
    ++stats.segments;
    stats.dead_rows += segment.row().dead.size();
    stats.disk_bytes += to_unsigned(segment.row().bytes);
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

std::vector<Proposal> StoreReader::propose(std::span<const float> query, std::size_t count) const {
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
    open.checked().propose(query, count, m_impl->threads, proposals);
  }
  const std::size_t kept = std::min(count, proposals.size());
  std::partial_sort(proposals.begin(), proposals.begin() + static_cast<std::ptrdiff_t>(kept),
                    proposals.end(), [](const Proposal& a, const Proposal& b) {
                      return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
                    });
  proposals.resize(kept);
  return proposals;
}

std::vector<float> StoreReader::vector_of(ChunkId chunk) const {
  const auto open = std::ranges::find_if(
      m_impl->segments, [&](const auto& each) { return chunk <= each.segment.row().last; });
  if (open != m_impl->segments.end()) {
    const FlatSegment& segment = open->checked();
    const auto row = segment.find(chunk);
    if (row && !segment.is_dead(*row)) return segment.vector_at(*row);
  }
  throw Error(ErrorKind::k_usage,
              "chunk " + std::to_string(chunk) + ": the store has no vector of it");
}

}  // namespace vecdb
