#include "pipeline/export.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/interrupt.h"
#include "base/npy.h"
#include "pipeline/exchange_line.h"
#include "store/flat_file.h"

namespace vecdb {

namespace {

void write(const ByteSink& sink, std::string_view text) {
  sink(std::as_bytes(std::span(text)));
}

// Calls visit(document, id, number, chunk) for every chunk that is to be written.
class Chunks {
 public:
  Chunks(const StoreReader& store, const ChunkRanges* among) : m_store(store), m_among(among) {}

  std::uint64_t count() const {
    if (m_among == nullptr) return m_store.stats().chunks;
    std::uint64_t count = 0;
    for (const ChunkRange& range : *m_among) count += static_cast<std::uint64_t>(range.end - range.first);
    return count;
  }

  template <typename Visit>
  bool each(const Visit& visit) const {
    m_store.each_document([&](const DocumentSummary& document) {
      const ChunkId first = document.first_chunk;
      const ChunkId end = first + static_cast<ChunkId>(document.chunks);
      if (!has_any(first, end)) return pending_interrupt() == 0;
      m_store.each_chunk_of(document.record.uri, [&](ChunkId id, const ChunkRecord& chunk) {
        if (has_any(id, id + 1)) visit(document, id, static_cast<std::uint64_t>(id - first), chunk);
        return pending_interrupt() == 0;
      });
      return pending_interrupt() == 0;
    });
    return pending_interrupt() == 0;
  }

 private:
  // Whether some chunk of [first, end) is to be written.
  bool has_any(ChunkId first, ChunkId end) const {
    if (m_among == nullptr) return true;
    const auto range = std::ranges::upper_bound(*m_among, first, {}, &ChunkRange::end);
    return range != m_among->end() && range->first < end;
  }

  const StoreReader& m_store;
  const ChunkRanges* m_among;
};

// Lines of one chunk after another.
class LineWriter {
 public:
  LineWriter(const StoreSettings& settings, bool has_vectors, const ByteSink& sink)
      : m_lines(has_vectors ? std::optional(encoder_of(settings)) : std::nullopt), m_sink(sink) {}

  void write(const DocumentSummary& document, ChunkId id, std::uint64_t number,
             const ChunkRecord& chunk, std::span<const float> vector) {
    if (m_document != document.first_chunk) m_lines.begin(document);
    m_document = document.first_chunk;
    vecdb::write(m_sink, m_lines.line(id, number, chunk, vector));
  }

 private:
  ExchangeLines m_lines;
  const ByteSink& m_sink;
  ChunkId m_document = 0;  // its first chunk
};

}  // namespace

bool export_lines(const StoreReader& store, const ExportOptions& options, const ByteSink& sink) {
  const bool has_vectors = options.vectors == LineVectors::k_in_lines;
  LineWriter lines(store.settings(), has_vectors, sink);
  return Chunks(store, options.among)
      .each([&](const auto& document, ChunkId id, std::uint64_t number, const ChunkRecord& chunk) {
        lines.write(document, id, number, chunk,
                    has_vectors ? store.vector_of(id) : std::vector<float>());
      });
}

bool export_npy(const StoreReader& store, const ExportOptions& options, const ByteSink& lines,
                const ByteSink& array) {
  const Chunks chunks(store, options.among);
  write(array, npy_header(chunks.count(), store.settings().dimension));
  LineWriter writer(store.settings(), true, lines);
  return chunks.each(
      [&](const auto& document, ChunkId id, std::uint64_t number, const ChunkRecord& chunk) {
        writer.write(document, id, number, chunk, {});
        const std::vector<float> vector = store.vector_of(id);
        array(std::as_bytes(std::span(vector)));
      });
}

bool export_faiss(const StoreReader& store, const ExportOptions& options, const ByteSink& sink) {
  const Chunks chunks(store, options.among);
  const auto count = static_cast<std::int64_t>(chunks.count());
  write(sink, flat_header(static_cast<std::int64_t>(store.settings().dimension), count));
  std::vector<ChunkId> ids;
  const bool done =
      chunks.each([&](const auto&, ChunkId id, std::uint64_t, const ChunkRecord&) {
        const std::vector<float> vector = store.vector_of(id);
        sink(std::as_bytes(std::span(vector)));
        ids.push_back(id);
      });
  if (!done) return false;
  write(sink, flat_count_of_ids(count));
  sink(std::as_bytes(std::span(ids)));
  return true;
}

}  // namespace vecdb
