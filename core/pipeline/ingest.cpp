#include "pipeline/ingest.h"

#include <chrono>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/interrupt.h"
#include "base/json.h"

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
  if (is_store(options.store)) {
    return embedder_for_store(StoreReader(options.store).settings(), options.model);
  }
  return embedder_for_new_store(options.model);
}

class Ingest {
 public:
  Ingest(const IngestOptions& options, IngestObserver& observer)
      : m_options(options),
        m_observer(observer),
        m_splitter(options.splitter),
        m_splitter_json(describe(options.splitter)),
        m_embedder(make_embedder(options)),
        m_writer(StoreWriter::open_or_create(
            options.store, settings_of(m_embedder), options.wait_seconds,
            [&observer](const std::string& notice) { observer.on_warning(notice); })) {
    check_same_model(m_writer.settings(), m_embedder);
  }

  IngestSummary run(const std::vector<Source>& sources) {
    std::uint64_t done = 0;
    for (const Source& source : sources) {
      if (stopped()) break;
      take(source);
      if (m_batch_chunks >= k_chunks_per_commit) commit_batch();
      m_observer.on_progress(++done, sources.size(), m_summary.chunks);
    }
    if (!stopped()) commit_batch();
    return m_summary;
  }

 private:
  bool stopped() {
    if (pending_interrupt() != 0) m_summary.interrupted = true;
    return m_summary.interrupted;
  }

  void take(const Source& source) {
    const Stopwatch watch(m_summary.split_seconds);
    Loaded loaded = load(source);
    if (auto* skipped = std::get_if<Skipped>(&loaded)) {
      skip(std::move(skipped->uri), std::move(skipped->reason));
      return;
    }
    const auto& document = std::get<Document>(loaded);
    if (!m_seen.insert(document.uri).second) return;  // named twice on the command line
    const auto stored = m_writer.find_document(document.uri);
    if (stored && stored->record.sha256 == document.sha256 &&
        stored->record.splitter == m_splitter_json && stored->record.meta == m_options.meta) {
      ++m_summary.unchanged;
      m_observer.on_event(
          {document.uri, IngestStatus::k_unchanged, document.sha256, stored->chunks, ""});
      return;
    }
    add(document, stored ? IngestStatus::k_changed : IngestStatus::k_added);
  }

  void skip(std::string uri, std::string reason) {
    ++m_summary.skipped;
    m_observer.on_event({std::move(uri), IngestStatus::k_skipped, "", 0, std::move(reason)});
  }

  void add(const Document& document, IngestStatus status) {
    if (misses_line_ends(m_options.splitter, document)) {
      m_observer.on_warning(document.uri +
                            ": has CRLF line ends, which a separator with a bare "
                            "newline does not match");
    }
    std::vector<Chunk> chunks = split_document(m_splitter, document);
    if (chunks.empty()) {
      skip(document.uri, "holds nothing but white space");
      return;
    }
    NewDocument added;
    added.record = {
        .uri = document.uri,
        .sha256 = document.sha256,
        .size = document.stamp ? document.stamp->size : document.text.size() + document.text_offset,
        .mtime_ns = document.stamp ? document.stamp->mtime_ns : 0,
        .splitter = m_splitter_json,
        .meta = m_options.meta};
    for (Chunk& chunk : chunks) {
      added.chunks.push_back({.chunk = std::move(chunk)});
    }
    m_batch_chunks += added.chunks.size();
    m_batch.push_back(std::move(added));
    m_statuses.push_back(status);
  }

  void commit_batch() {
    if (m_batch.empty() || !encode_batch()) return;
    {
      const Stopwatch watch(m_summary.store_seconds);
      m_writer.commit(m_batch, {});
    }
    for (std::size_t i = 0; i < m_batch.size(); ++i) report(m_batch[i], m_statuses[i]);
    m_batch.clear();
    m_statuses.clear();
    m_batch_chunks = 0;
  }

  // False when it was interrupted.
  bool encode_batch() {
    const Stopwatch watch(m_summary.encode_seconds);
    std::vector<std::string_view> texts;
    for (const NewDocument& document : m_batch) {
      for (const ChunkRecord& record : document.chunks) texts.push_back(record.chunk.text);
    }
    const auto embedded = m_embedder.embed(texts, TextRole::k_passage, VectorLength::k_unit);
    if (!embedded) {
      m_summary.interrupted = true;
      return false;
    }
    const std::size_t dimension = m_writer.settings().dimension;
    std::size_t next = 0;
    for (NewDocument& document : m_batch) {
      const auto first = embedded->vectors.begin() + static_cast<std::ptrdiff_t>(next * dimension);
      document.vectors.assign(
          first, first + static_cast<std::ptrdiff_t>(document.chunks.size() * dimension));
      for (ChunkRecord& record : document.chunks) {
        record.tokens = embedded->token_counts[next];
        record.truncated = embedded->truncated[next];
        ++next;
      }
    }
    return true;
  }

  void report(const NewDocument& document, IngestStatus status) {
    ++(status == IngestStatus::k_added ? m_summary.added : m_summary.changed);
    m_summary.chunks += document.chunks.size();
    const std::size_t window = m_embedder.model().manifest().window;
    for (const ChunkRecord& record : document.chunks) {
      m_summary.tokens += record.truncated ? window : record.tokens;
      m_summary.truncated += record.truncated ? 1 : 0;
      m_summary.lengths.add(record.chunk, m_options.splitter.chunk_size);
    }
    m_observer.on_event(
        {document.record.uri, status, document.record.sha256, document.chunks.size(), ""});
  }

  const IngestOptions& m_options;
  IngestObserver& m_observer;
  CharacterSplitter m_splitter;
  std::string m_splitter_json;
  Embedder m_embedder;
  StoreWriter m_writer;
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
    case IngestStatus::k_skipped:
      return "skipped";
  }
  return "";
}

std::string describe(const SplitterOptions& options) {
  const char* keep = options.keep_separator == KeepSeparator::k_start ? "start"
                     : options.keep_separator == KeepSeparator::k_end ? "end"
                                                                      : "no";
  return dump_json({{"splitter", "character"},
                    {"separator", options.separator},
                    {"regex", options.separator_kind == SeparatorKind::k_regex},
                    {"keep_separator", keep},
                    {"strip", options.whitespace == Whitespace::k_strip},
                    {"chunk_size", options.chunk_size},
                    {"chunk_overlap", options.chunk_overlap}});
}

IngestSummary ingest(const IngestOptions& options, const std::vector<Source>& sources,
                     IngestObserver& observer) {
  return Ingest(options, observer).run(sources);
}

}  // namespace vecdb
