#include "pipeline/ingest.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/interrupt.h"
#include "base/worker_pool.h"
#include "pipeline/stopwatch.h"
#include "pipeline/vector_plan.h"
#include "store/layout.h"

namespace vecdb {

namespace {

using Clock = std::chrono::steady_clock;

// A commit at least every so many chunks or bytes of text: what a crash can lose, and what is held.
constexpr std::size_t k_batch_chunks = 512;
constexpr std::size_t k_batch_bytes = std::size_t{1} << 17U;

// How far the jobs may be ahead: sources a job, and bytes of all of them.
constexpr std::size_t k_sources_a_job = 4;
constexpr std::size_t k_sources_coming = 4;  // asked for where they may have to be waited for
constexpr std::uint64_t k_bytes_ahead = std::uint64_t{64} << 20U;

constexpr auto k_progress_every = std::chrono::milliseconds(100);

// How long ready documents wait for more to share a commit with.
constexpr auto k_patience = std::chrono::seconds(2);

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

// A store's settings decide the model when the store exists; else the model decides the settings.
Embedder make_embedder(const IngestOptions& options) {
  if (is_store(options.store) && !is_unfinished_store(options.store)) {
    return embedder_for_store(StoreReader(options.store).settings(), options.model);
  }
  return embedder_without_store(options.model);
}

// Documents that are committed together, on their way from stage to stage.
struct Batch {
  std::vector<NewDocument> documents;
  std::vector<SourceState> states;  // of the documents
  std::vector<DocumentRecord> touched;
  std::size_t chunks = 0;
  std::size_t bytes = 0;

  // Known once it is encoded.
  std::vector<Skipped> refused;
  RecentTexts texts;
  std::uint64_t tokens = 0;
  std::uint64_t reused = 0;
  Clock::time_point encode_begin;
  Clock::time_point encode_end;
  double tokenize_seconds = 0;
  double store_seconds = 0;

  bool empty() const { return documents.empty() && touched.empty(); }
  bool is_full() const {
    return chunks >= k_batch_chunks || bytes >= k_batch_bytes || touched.size() >= k_batch_chunks;
  }
};

// What a source may hold when it is loaded.
std::uint64_t bytes_of(const Source& source, std::uint64_t max_bytes) {
  constexpr std::uint64_t k_usual_ratio = 32;  // of compressed text, at most
  std::uint64_t bytes = 0;
  if (const auto* file = std::get_if<FoundFile>(&source)) {
    const std::filesystem::path end = file->path.extension();
    const bool is_compressed = end == ".gz" || end == ".zst" || end == ".pdf";
    bytes = std::min(file->stamp.size, max_bytes) * (is_compressed ? k_usual_ratio : 1);
  } else if (const auto* named = std::get_if<NamedBytes>(&source)) {
    bytes = named->bytes.size();
  } else if (const auto* ready = std::get_if<ReadyChunks>(&source)) {
    for (const Chunk& chunk : ready->chunks) bytes += chunk.text.size();
  } else if (const auto* kept = std::get_if<KeptDocument>(&source)) {
    for (const ChunkRecord& record : kept->chunks) bytes += record.chunk.text.size();
  }
  return std::min(bytes, max_bytes);
}

// Tokenizes and encodes. Documents that cannot be are taken out. False when it was interrupted.
bool encode_batch(Batch& batch, Embedder& embedder, Overflow overflow, const StoreReader& stored,
                  const RecentTexts* recent) {
  batch.encode_begin = Clock::now();
  VectorPlan plan(embedder, overflow, &stored, recent);
  std::size_t kept = 0;
  std::optional<Stopwatch> tokenizing(std::in_place, batch.tokenize_seconds);
  for (std::size_t i = 0; i < batch.documents.size(); ++i) {
    if (pending_interrupt() != 0) return false;
    NewDocument& document = batch.documents[i];
    if (auto why = plan.add(document)) {
      batch.refused.push_back({document.record.uri, std::move(*why)});
      continue;
    }
    if (kept < i) {
      batch.documents[kept] = std::move(document);
      batch.states[kept] = batch.states[i];
    }
    ++kept;
  }
  if (pending_interrupt() != 0) return false;
  batch.documents.resize(kept);
  batch.states.resize(kept);
  tokenizing.reset();
  if (!plan.run(batch.documents)) return false;
  batch.encode_end = Clock::now();
  batch.tokens = plan.tokens_read();
  batch.reused = plan.reused();
  batch.texts = plan.take_texts();
  return true;
}

class Ingest {
 public:
  Ingest(const IngestOptions& options, SourceStream& sources, IngestObserver& observer)
      : m_options(options),
        m_sources(sources),
        m_observer(observer),
        m_embedder(make_embedder(options)),
        m_preparer({.load = options.load,
                    .splitting = make_splitting(options.splitter, &m_embedder.model()),
                    .meta = options.meta,
                    .overflow = options.overflow,
                    .embedder = &m_embedder,
                    .compare = options.compare}),
        m_workers(options.jobs) {
    if (options.mode == IngestMode::k_dry_run) {
      refuse_foreign_folder(StoreLayout(options.store));
      if (is_store(options.store) && !is_unfinished_store(options.store)) {
        m_reader.emplace(options.store);
      }
      return;
    }
    m_writer.emplace(StoreWriter::open_or_create(
        options.store, settings_of(m_embedder), options.wait_seconds,
        [&observer](const std::string& notice) { observer.on_warning(notice); }));
    check_same_model(m_writer->settings(), m_embedder);
  }

  ~Ingest() { m_sources.stop(); }  // after an error it may still be waited for
  Ingest(const Ingest&) = delete;
  Ingest& operator=(const Ingest&) = delete;

  IngestSummary run() {
    const auto begun = Clock::now();
    try {
      run_stages();
    } catch (const Error&) {
      report_last_commit();
      throw;
    }
    m_summary.total_seconds = seconds_between(begun, Clock::now());
    return m_summary;
  }

 private:
  struct Ahead {
    std::future<Prepared> prepared;
    std::uint64_t bytes = 0;
  };

  void run_stages() {
    while (!stopped()) {
      prepare_ahead();
      if (m_ahead.empty()) {
        if (m_ended) break;
        wait_for_source();
        continue;
      }
      Prepared prepared = wait_for(m_ahead.front().prepared);
      if (stopped()) break;  // what was loaded meanwhile may be cut short
      take(std::move(prepared));
      m_bytes_ahead -= m_ahead.front().bytes;
      m_ahead.pop_front();
      if (m_batch.is_full()) submit();
    }
    store_the_rest();
    if (!stopped()) prune();
  }

  // After an error: what another thread has stored, or is about to, is told all the same.
  void report_last_commit() {
    if (!m_storing.valid()) return;
    try {
      finish_storing();
    } catch (const Error&) {  // the first error is the one to tell
    }
  }

  bool stopped() {
    if (pending_interrupt() != 0) m_summary.interrupted = true;
    return m_summary.interrupted;
  }

  std::optional<DocumentSummary> find_stored(const std::string& uri) {
    const std::lock_guard lock(m_store_mutex);
    if (m_writer) return m_writer->find_document(uri);
    return m_reader ? m_reader->find_document(uri) : std::nullopt;
  }

  // Hands sources to the workers, as far ahead as memory allows.
  void prepare_ahead() {
    while (!m_ended && m_ahead.size() < k_sources_a_job * m_options.jobs &&
           (m_ahead.empty() || m_bytes_ahead < k_bytes_ahead)) {
      ask_for_sources();
      if (!is_ready(m_coming.front())) return;
      std::optional<Source> source = m_coming.front().get();
      m_coming.pop_front();
      m_total = m_sources.total();
      if (!source) {
        m_ended = true;
        return;
      }
      const std::string uri = document_uri(*source);
      const bool is_document = !std::holds_alternative<Skipped>(*source);
      if (is_document && !m_seen.insert(uri).second) {
        if (std::holds_alternative<FoundFile>(*source)) continue;
        source = Skipped{uri, "comes twice; the first counts"};
      }
      const std::uint64_t bytes = bytes_of(*source, m_options.load.max_bytes);
      auto stored = std::holds_alternative<Skipped>(*source) ? std::nullopt : find_stored(uri);
      auto task = [this, source = std::move(*source), stored = std::move(stored)]() mutable {
        return m_preparer.prepare(std::move(source), stored);
      };
      m_ahead.push_back({m_workers.run(std::move(task)), bytes});
      m_bytes_ahead += bytes;
    }
  }

  void ask_for_sources() {
    if (m_sources.may_wait()) {
      while (m_coming.size() < k_sources_coming) {
        m_coming.push_back(m_source_reader.run([this] { return m_sources.next(); }));
      }
    } else if (m_coming.empty()) {
      std::promise<std::optional<Source>> at_once;
      at_once.set_value(m_sources.next());
      m_coming.push_back(at_once.get_future());
    }
  }

  // When it takes long, what came before is stored meanwhile.
  void wait_for_source() {
    const auto patience_ends = Clock::now() + k_patience;
    while (!stopped() &&
           m_coming.front().wait_for(k_progress_every) == std::future_status::timeout) {
      if (m_storing.valid() && is_ready(m_storing)) finish_storing();
      if (Clock::now() >= patience_ends) store_the_rest();
      show_progress();
    }
  }

  // What the future gives; meanwhile reports what is stored, and shows that there is progress.
  template <typename Result>
  Result wait_for(std::future<Result>& future) {
    while (future.wait_for(k_progress_every) == std::future_status::timeout) {
      if (m_storing.valid() && is_ready(m_storing)) finish_storing();
      show_progress();
    }
    return future.get();
  }

  template <typename Result>
  static bool is_ready(const std::future<Result>& future) {
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

  void show_progress() {
    const auto now = Clock::now();
    if (now < m_next_progress) return;
    m_next_progress = now + k_progress_every;
    m_observer.on_progress({.documents_done = m_done,
                            .documents = m_total,
                            .chunks = m_summary.chunks,
                            .tokens = m_summary.tokens,
                            .seconds = seconds_between(m_start, now)});
  }

  void take(Prepared prepared) {
    m_summary.load_seconds += prepared.load_seconds;
    m_summary.split_seconds += prepared.split_seconds;
    m_summary.line_end_troubles += prepared.has_line_end_trouble ? 1 : 0;
    DocumentRecord& record = prepared.record;
    for (Skipped& part : prepared.parts) skip(std::move(part));
    switch (prepared.state) {
      case SourceState::k_skipped:
        ++m_done;
        skip({std::move(record.uri), std::move(prepared.reason)});
        break;
      case SourceState::k_touched:
      case SourceState::k_unchanged:
        ++m_done;
        ++m_summary.unchanged;
        m_observer.on_event(
            {record.uri, IngestStatus::k_unchanged, record.sha256, prepared.stored_chunks, ""});
        if (prepared.state == SourceState::k_touched) m_batch.touched.push_back(std::move(record));
        break;
      default:
        for (const ChunkRecord& chunk : prepared.chunks) m_batch.bytes += chunk.chunk.text.size();
        m_batch.chunks += prepared.chunks.size();
        m_batch.documents.push_back(
            {.record = std::move(record), .chunks = std::move(prepared.chunks), .vectors = {}});
        m_batch.states.push_back(prepared.state);
    }
    show_progress();
  }

  void skip(Skipped skipped) {
    ++m_summary.skipped;
    m_observer.on_event(
        {std::move(skipped.uri), IngestStatus::k_skipped, "", 0, std::move(skipped.reason)});
  }

  // Sends the batch on its way: it is encoded while the one before it is stored.
  void submit() {
    auto batch = std::make_shared<Batch>(std::exchange(m_batch, {}));
    if (!m_writer) return report(*batch);
    const std::shared_ptr<Batch> before = finish_encoding();
    if (m_summary.interrupted) return;
    if (m_storing.valid()) finish_storing();
    m_writer->shorten_log();  // here no reader is open, and nothing is stored
    // One generation for all of the batch, and always the same: what is being stored is not in it.
    auto stored = std::make_unique<StoreReader>(m_options.store);
    if (before) start_storing(before);
    m_encoding = m_stages.run([this, batch, before, stored = std::move(stored)]() mutable {
      const auto reader = std::move(stored);  // closed before the future is ready
      const RecentTexts* recent = before ? &before->texts : nullptr;
      const bool done = encode_batch(*batch, m_embedder, m_options.overflow, *reader, recent);
      return done ? batch : nullptr;
    });
  }

  // The batch that was being encoded, if there is one and it was not interrupted.
  std::shared_ptr<Batch> finish_encoding() {
    if (!m_encoding.valid()) return nullptr;
    std::shared_ptr<Batch> batch = wait_for(m_encoding);
    if (!batch) {
      m_summary.interrupted = true;
      return nullptr;
    }
    if (m_last_encode_end) {
      m_summary.encoder_idle_seconds += seconds_between(*m_last_encode_end, batch->encode_begin);
    }
    m_last_encode_end = batch->encode_end;
    m_summary.encode_seconds += seconds_between(batch->encode_begin, batch->encode_end);
    m_summary.tokenize_seconds += batch->tokenize_seconds;
    m_summary.tokens += batch->tokens;
    m_done += batch->refused.size();
    for (Skipped& refused : batch->refused) skip(std::move(refused));
    return batch;
  }

  void start_storing(std::shared_ptr<Batch> batch) {
    m_storing = m_stages.run([this, batch = std::move(batch)] {
      const Stopwatch watch(batch->store_seconds);
      const std::lock_guard lock(m_store_mutex);
      m_writer->commit(batch->documents, {}, batch->touched);
      return batch;
    });
  }

  void finish_storing() {
    const std::shared_ptr<Batch> batch = m_storing.get();
    m_summary.store_seconds += batch->store_seconds;
    m_summary.reused += batch->reused;
    report(*batch);
  }

  // Stores what was taken and not submitted yet, and waits until all of it has arrived.
  void store_the_rest() {
    if (!stopped() && !m_batch.empty()) submit();
    finish_stages();
  }

  // Lets the batches that are on their way arrive.
  void finish_stages() {
    const std::shared_ptr<Batch> last = finish_encoding();
    if (m_storing.valid()) finish_storing();
    if (!last) return;
    start_storing(last);
    finish_storing();
  }

  void report(const Batch& batch) {
    const Splitting& splitting = m_preparer.options().splitting;
    for (std::size_t i = 0; i < batch.documents.size(); ++i) {
      const NewDocument& document = batch.documents[i];
      ++m_done;
      const bool is_new = batch.states[i] == SourceState::k_added;
      ++(is_new ? m_summary.added : m_summary.changed);
      m_summary.remade += batch.states[i] == SourceState::k_remade ? 1 : 0;
      m_summary.chunks += document.chunks.size();
      for (const ChunkRecord& record : document.chunks) {
        m_summary.fits.add(record.fit);
        if (!m_options.measures_lengths || document.record.type == k_ready_type) {
          continue;  // split elsewhere, to another size
        }
        m_summary.lengths.add(record.chunk, *splitting.options.chunk_size, splitting.measure.get());
      }
      m_observer.on_event({document.record.uri,
                           is_new ? IngestStatus::k_added : IngestStatus::k_changed,
                           document.record.sha256, document.chunks.size(), ""});
    }
  }

  // Removes what was stored from under the roots and is not there any more.
  void prune() {
    if (m_options.prune_roots.empty() || !is_store(m_options.store)) return;
    if (is_unfinished_store(m_options.store)) return;
    std::vector<IngestEvent> gone;
    StoreReader(m_options.store).each_document([&](const DocumentSummary& document) {
      const std::string& uri = document.record.uri;
      if (m_seen.contains(uri) || !is_under_root(uri)) return true;
      std::error_code error;
      const auto type = std::filesystem::status(uri, error).type();
      const bool is_gone = type == std::filesystem::file_type::not_found ||
                           type == std::filesystem::file_type::directory;
      if (!is_gone) return true;
      gone.push_back({uri, IngestStatus::k_removed, document.record.sha256, document.chunks, ""});
      return true;
    });
    std::vector<std::string> uris;
    for (const IngestEvent& event : gone) uris.push_back(event.uri);
    if (m_writer) m_writer->commit({}, uris);
    m_summary.removed += gone.size();
    for (const IngestEvent& event : gone) m_observer.on_event(event);
  }

  bool is_under_root(const std::string& uri) const {
    return std::any_of(m_options.prune_roots.begin(), m_options.prune_roots.end(),
                       [&](const std::string& root) {
                         return uri == root || uri.starts_with(root == "/" ? root : root + "/");
                       });
  }

  const IngestOptions& m_options;
  SourceStream& m_sources;
  IngestObserver& m_observer;
  Embedder m_embedder;
  Preparer m_preparer;
  std::optional<StoreWriter> m_writer;  // nothing in a dry run
  std::optional<StoreReader> m_reader;  // of a dry run, when there is a store
  std::mutex m_store_mutex;             // of m_writer
  IngestSummary m_summary;
  Clock::time_point m_start = Clock::now();
  Clock::time_point m_next_progress = m_start;
  std::uint64_t m_total = 0;
  std::uint64_t m_done = 0;  // documents
  bool m_ended = false;      // no more sources
  std::unordered_set<std::string> m_seen;
  std::optional<Clock::time_point> m_last_encode_end;  // nothing before the first batch
  Batch m_batch;                                       // being filled

  // What runs on other threads; ends before all of the above does.
  std::future<std::shared_ptr<Batch>> m_encoding;
  std::future<std::shared_ptr<Batch>> m_storing;
  std::deque<std::future<std::optional<Source>>> m_coming;  // in the order of the sources
  WorkerPool m_source_reader{1};
  WorkerPool m_stages{2};     // one encodes, one stores
  WorkerPool m_workers;       // prepare
  std::deque<Ahead> m_ahead;  // in the order of the sources
  std::uint64_t m_bytes_ahead = 0;
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
  return Ingest(options, sources, observer).run();
}

}  // namespace vecdb
