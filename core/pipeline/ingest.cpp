#include "pipeline/ingest.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/sha256.h"
#include "pipeline/splitter_settings.h"

namespace vecdb {

namespace {

// A commit at least every so many chunks: what a crash can lose, and what is held in memory.
constexpr std::size_t k_chunks_per_commit = 512;

class Stopwatch {
 public:
  // Adds the time since it was made to a total.
  explicit Stopwatch(double& total) : m_total(total) {}
  ~Stopwatch() {
    m_total += std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& m_total;
  std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

// A store's settings decide the model when the store exists; else the model decides the settings.
Embedder make_embedder(const IngestOptions& options) {
  if (is_store(options.store) && !is_unfinished_store(options.store)) {
    return embedder_for_store(StoreReader(options.store).settings(), options.model);
  }
  return embedder_without_store(options.model);
}

// What chunks that came ready are recorded to be split with.
constexpr const char* k_ready_splitter = R"({"splitter":"none"})";

// Stands for the bytes of a source that is not at hand.
std::string digest_of(const std::vector<Chunk>& chunks) {
  Sha256 hash;
  for (const Chunk& chunk : chunks) {
    hash.update(dump_json({chunk.start, chunk.end, chunk.line, chunk.text}) + "\n");
  }
  return hash.hex_digest();
}

class Ingest {
 public:
  Ingest(const IngestOptions& options, IngestObserver& observer)
      : m_options(options), m_observer(observer) {
    const bool wants_model =
        options.mode == IngestMode::k_store || options.splitter.length == LengthUnit::k_tokens;
    if (wants_model) m_embedder.emplace(make_embedder(options));
    m_splitting = make_splitting(options.splitter, m_embedder ? &m_embedder->model() : nullptr);
    if (options.mode == IngestMode::k_dry_run) {
      if (is_store(options.store) && !is_unfinished_store(options.store)) {
        m_reader.emplace(options.store);
      }
      return;
    }
    m_writer.emplace(StoreWriter::open_or_create(
        options.store, settings_of(*m_embedder), options.wait_seconds,
        [&observer](const std::string& notice) { observer.on_warning(notice); }));
    check_same_model(m_writer->settings(), *m_embedder);
  }

  IngestSummary run(SourceStream& sources) {
    std::uint64_t done = 0;
    while (!stopped()) {
      std::optional<Source> source = sources.next();
      if (!source) break;
      take(std::move(*source));
      if (m_batch_chunks >= k_chunks_per_commit) commit_batch();
      m_observer.on_progress(++done, sources.total(), m_summary.chunks);
    }
    if (!stopped()) commit_batch();
    if (!stopped()) prune();
    return m_summary;
  }

 private:
  bool stopped() {
    if (pending_interrupt() != 0) m_summary.interrupted = true;
    return m_summary.interrupted;
  }

  std::optional<DocumentSummary> find_stored(const std::string& uri) const {
    if (m_writer) return m_writer->find_document(uri);
    return m_reader ? m_reader->find_document(uri) : std::nullopt;
  }

  void take(Source source) {
    const Stopwatch watch(m_summary.split_seconds);
    if (auto* skipped = std::get_if<Skipped>(&source)) {
      skip(std::move(*skipped));
    } else if (auto* ready = std::get_if<ReadyChunks>(&source)) {
      take_ready(std::move(*ready));
    } else if (const auto* named = std::get_if<NamedBytes>(&source)) {
      take_loaded(load(*named), named->meta.value_or(m_options.meta));
    } else {
      take_loaded(load(std::get<std::filesystem::path>(source)), m_options.meta);
    }
  }

  void take_loaded(Loaded loaded, const std::string& meta) {
    if (auto* skipped = std::get_if<Skipped>(&loaded)) return skip(std::move(*skipped));
    const auto& document = std::get<Document>(loaded);
    consider({.uri = document.uri,
              .sha256 = document.sha256,
              .size = document.size,
              .mtime_ns = document.stamp ? document.stamp->mtime_ns : 0,
              .splitter = m_splitting.description,
              .meta = meta},
             [&] { return split(document); });
  }

  void take_ready(ReadyChunks ready) {
    std::uint64_t size = 0;
    for (const Chunk& chunk : ready.chunks) size += chunk.text.size();
    consider({.uri = ready.uri,
              .sha256 = digest_of(ready.chunks),
              .size = size,
              .mtime_ns = 0,
              .splitter = k_ready_splitter,
              .meta = ready.meta},
             [&] { return std::move(ready.chunks); });
  }

  std::vector<Chunk> split(const Document& document) {
    if (const auto warning = line_end_warning(m_options.splitter, document)) {
      m_observer.on_warning(*warning);
    }
    return split_document(*m_splitting.splitter, document);
  }

  // Puts a document into the batch unless the store has it just so.
  template <typename MakeChunks>
  void consider(DocumentRecord record, MakeChunks make_chunks) {
    if (!m_seen.insert(record.uri).second) return;
    const auto stored = find_stored(record.uri);
    if (stored && stored->record.sha256 == record.sha256 &&
        stored->record.splitter == record.splitter && stored->record.meta == record.meta &&
        is_as_asked(stored->fits, m_options.overflow)) {
      ++m_summary.unchanged;
      m_observer.on_event(
          {record.uri, IngestStatus::k_unchanged, record.sha256, stored->chunks, ""});
      return;
    }
    NewDocument added;
    for (Chunk& chunk : make_chunks()) added.chunks.push_back({.chunk = std::move(chunk)});
    if (added.chunks.empty()) return skip({record.uri, "holds nothing but white space"});
    added.record = std::move(record);
    m_batch_chunks += added.chunks.size();
    m_batch.push_back(std::move(added));
    m_statuses.push_back(stored ? IngestStatus::k_changed : IngestStatus::k_added);
  }

  void skip(Skipped skipped) {
    ++m_summary.skipped;
    m_observer.on_event(
        {std::move(skipped.uri), IngestStatus::k_skipped, "", 0, std::move(skipped.reason)});
  }

  void commit_batch() {
    if (m_batch.empty()) return;
    if (m_writer) {
      std::uint64_t tokens = 0;
      if (!encode_batch(tokens)) return;
      const Stopwatch watch(m_summary.store_seconds);
      m_writer->commit(m_batch, {});
      m_summary.tokens += tokens;
    }
    for (std::size_t i = 0; i < m_batch.size(); ++i) report(m_batch[i], m_statuses[i]);
    m_batch.clear();
    m_statuses.clear();
    m_batch_chunks = 0;
  }

  // False when it was interrupted. `tokens`: how many the encoder saw.
  bool encode_batch(std::uint64_t& tokens) {
    const Stopwatch watch(m_summary.encode_seconds);
    const std::vector<TokenizedText> texts = tokenize_batch();
    for (const TokenizedText& text : texts) tokens += text.tokens_read();
    const auto vectors =
        m_embedder->encode(texts, m_embedder->model().manifest().passage, VectorLength::k_unit);
    if (!vectors) {
      m_summary.interrupted = true;
      return false;
    }
    auto next = vectors->begin();
    for (NewDocument& document : m_batch) {
      const auto end = next + static_cast<std::ptrdiff_t>(document.chunks.size() *
                                                          m_writer->settings().dimension);
      document.vectors.assign(next, end);
      next = end;
    }
    return true;
  }

  // One text for each chunk of the batch, after its long chunks became what `overflow` says.
  // Documents that it refuses leave the batch.
  std::vector<TokenizedText> tokenize_batch() {
    std::vector<TokenizedText> texts;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < m_batch.size(); ++i) {
      NewDocument& document = m_batch[i];
      if (auto why = tokenize_chunks(*m_embedder, m_options.overflow, document.chunks, texts)) {
        skip({std::move(document.record.uri), std::move(*why)});
        continue;
      }
      if (kept < i) {
        m_batch[kept] = std::move(document);
        m_statuses[kept] = m_statuses[i];
      }
      ++kept;
    }
    m_batch.resize(kept);
    m_statuses.resize(kept);
    return texts;
  }

  void report(const NewDocument& document, IngestStatus status) {
    ++(status == IngestStatus::k_added ? m_summary.added : m_summary.changed);
    m_summary.chunks += document.chunks.size();
    for (const ChunkRecord& record : document.chunks) {
      m_summary.fits.add(record.fit);
      m_summary.lengths.add(record.chunk, *m_splitting.options.chunk_size,
                            m_splitting.measure.get());
    }
    m_observer.on_event(
        {document.record.uri, status, document.record.sha256, document.chunks.size(), ""});
  }

  // Removes what was stored from under the roots and is not there any more.
  void prune() {
    if (m_options.prune_roots.empty() || !is_store(m_options.store)) return;
    std::vector<DocumentSummary> gone;
    for (DocumentSummary& document : StoreReader(m_options.store).documents()) {
      const std::string& uri = document.record.uri;
      std::error_code error;
      const bool exists = std::filesystem::exists(uri, error) || error;
      if (!exists && !m_seen.contains(uri) && is_under_root(uri)) {
        gone.push_back(std::move(document));
      }
    }
    std::vector<std::string> uris;
    for (const DocumentSummary& document : gone) uris.push_back(document.record.uri);
    if (m_writer) m_writer->commit({}, uris);
    for (const DocumentSummary& document : gone) {
      ++m_summary.removed;
      m_observer.on_event({document.record.uri, IngestStatus::k_removed, document.record.sha256,
                           document.chunks, ""});
    }
  }

  bool is_under_root(const std::string& uri) const {
    return std::any_of(m_options.prune_roots.begin(), m_options.prune_roots.end(),
                       [&](const std::string& root) {
                         return uri == root || uri.starts_with(root == "/" ? root : root + "/");
                       });
  }

  const IngestOptions& m_options;
  IngestObserver& m_observer;
  std::optional<Embedder> m_embedder;  // nothing in a dry run that needs no tokens
  Splitting m_splitting;
  std::optional<StoreWriter> m_writer;  // nothing in a dry run
  std::optional<StoreReader> m_reader;  // of a dry run, when there is a store
  IngestSummary m_summary;
  std::unordered_set<std::string> m_seen;
  std::vector<NewDocument> m_batch;
  std::vector<IngestStatus> m_statuses;  // of the batch
  std::size_t m_batch_chunks = 0;
};

}  // namespace

const char* name_of(IngestStatus status) {
  switch (status) {
    case IngestStatus::k_added:
      return "added";
    case IngestStatus::k_changed:
      return "changed";
    case IngestStatus::k_unchanged:
      return "unchanged";
    case IngestStatus::k_removed:
      return "removed";
    case IngestStatus::k_skipped:
      return "skipped";
  }
  return "";
}

IngestSummary ingest(const IngestOptions& options, SourceStream& sources,
                     IngestObserver& observer) {
  return Ingest(options, observer).run(sources);
}

}  // namespace vecdb
