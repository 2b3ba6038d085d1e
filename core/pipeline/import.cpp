#include "pipeline/import.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <future>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/sha256.h"
#include "base/worker_pool.h"
#include "model/model_library.h"
#include "pipeline/stopwatch.h"
#include "search/ranking.h"

namespace vecdb {

namespace {

using Clock = std::chrono::steady_clock;

// A commit at least every so many bytes of vectors or of text. Large, because the segment that each
// makes is merged with others later; two batches are in memory at a time.
constexpr std::size_t k_batch_vector_bytes = std::size_t{32} << 20U;
constexpr std::size_t k_batch_text_bytes = std::size_t{16} << 20U;
constexpr std::size_t k_batch_documents = 50'000;

std::string described(const std::string& name, const std::string& fingerprint) {
  return name + " (" + fingerprint.substr(0, 12) + ")";
}

bool has_store(const std::filesystem::path& store) {
  return is_store(store) && !is_unfinished_store(store);
}

std::size_t dimension_of(const NewDocument& document) {
  return document.chunks.empty() ? 0 : document.vectors.size() / document.chunks.size();
}

// What --model and --precision ask for must be what the store has, or is to get.
void check_choice(const StoreSettings& settings, const ModelChoice& choice) {
  if (choice.precision && name_of(*choice.precision) != settings.precision) {
    throw Error(ErrorKind::k_usage, "--precision " + name_of(*choice.precision) +
                                        ": the vectors are to be stored as " + settings.precision +
                                        "; leave the flag out");
  }
  if (!choice.model) return;
  const Model model = open_model(*choice.model);
  if (model.fingerprint() == settings.fingerprint) return;
  throw Error(ErrorKind::k_model,
              "--model " + *choice.model + ": the vectors were made with " +
                  described(settings.model, settings.fingerprint) + ", not with " +
                  described(model.manifest().name, model.fingerprint()) +
                  "; leave the flag out, or encode the texts anew with --encode");
}

void check_encoder(const StoreSettings& settings, const EncoderIdentity& encoder,
                   const std::string& where) {
  if (encoder.fingerprint != settings.fingerprint) {
    throw Error(ErrorKind::k_model,
                where + ": its vector was made with the model " +
                    described(encoder.model, encoder.fingerprint) + ", the store with " +
                    described(settings.model, settings.fingerprint) +
                    ": their vectors cannot be compared; encode the texts anew with --encode, or "
                    "import into another store");
  }
  if (encoder.precision != settings.precision) {
    throw Error(ErrorKind::k_model, where + ": its vector was made in " + encoder.precision +
                                        ", the store's in " + settings.precision +
                                        "; encode the texts anew with --encode, or import into "
                                        "another store");
  }
}

void check_dimension(std::size_t expected, std::size_t found, const std::string& where) {
  if (found == expected) return;
  throw Error(ErrorKind::k_io, where + ": its vector has " + std::to_string(found) +
                                   " dimensions, the store's have " + std::to_string(expected));
}

// A new store's, where nothing but the user says which model made the vectors.
StoreSettings settings_by_trust(const ModelChoice& choice, std::size_t dimension,
                                const std::string& where) {
  const Model model = open_model(choice.model.value_or(choice.default_model));
  const ModelManifest& manifest = model.manifest();
  if (dimension != manifest.dimension() &&
      std::ranges::find(manifest.dimensions, dimension) == manifest.dimensions.end()) {
    throw Error(ErrorKind::k_io, where + ": its vector has " + std::to_string(dimension) +
                                     " dimensions, those of the model " + manifest.name + " have " +
                                     std::to_string(manifest.dimension()) +
                                     "; name the model with --model");
  }
  const auto precision = choice.precision ? choice.precision : choice.default_precision;
  return {.model = manifest.name,
          .fingerprint = model.fingerprint(),
          .precision = name_of(precision.value_or(native_precision())),
          .dimension = dimension};
}

void require_trust(VectorTrust trust, const std::string& where) {
  if (trust == VectorTrust::k_given) return;
  throw Error(ErrorKind::k_usage,
              where + ": does not say which model made its vector; give --trust-vectors if it is "
                      "the store's, or encode the texts anew with --encode");
}

// What the store has, or is to have, for vectors as the first document's.
StoreSettings settings_for(const ImportOptions& options, const ImportedDocument& first) {
  const std::size_t dimension = dimension_of(first.document);
  if (!first.encoder) require_trust(options.trust, first.where);
  if (has_store(options.store)) {
    const StoreSettings settings = StoreReader(options.store).settings();
    check_choice(settings, options.model);
    if (first.encoder) check_encoder(settings, *first.encoder, first.where);
    check_dimension(settings.dimension, dimension, first.where);
    return settings;
  }
  if (!first.encoder) return settings_by_trust(options.model, dimension, first.where);
  const StoreSettings settings{.model = first.encoder->model,
                               .fingerprint = first.encoder->fingerprint,
                               .precision = first.encoder->precision,
                               .dimension = dimension};
  require_model_name(settings.model);
  check_choice(settings, options.model);
  return settings;
}

// Documents that are committed together.
struct Batch {
  std::vector<NewDocument> documents;
  std::size_t vector_bytes = 0;
  std::size_t text_bytes = 0;

  // Known once it is stored: one a document.
  std::vector<IngestEvent> events;
  double store_seconds = 0;

  bool is_full() const {
    return vector_bytes >= k_batch_vector_bytes || text_bytes >= k_batch_text_bytes ||
           documents.size() >= k_batch_documents;
  }
};

bool is_same(const ChunkRecord& a, const ChunkRecord& b) {
  return a.chunk == b.chunk && a.tokens == b.tokens && a.fit == b.fit;
}

// Whether the store has the document just so, to the last bit of its vectors.
bool is_stored_so(const NewDocument& document, const DocumentSummary& stored,
                  const StoreReader& store) {
  if (stored.record != document.record || stored.chunks != document.chunks.size()) return false;
  const std::size_t dimension = store.settings().dimension;
  std::size_t number = 0;
  bool same = true;
  store.each_chunk_of(stored.record.uri, [&](ChunkId id, const ChunkRecord& chunk) {
    const auto vector = store.vector_of(id);
    same = is_same(chunk, document.chunks[number]) &&
           std::memcmp(vector.data(), document.vectors.data() + number * dimension,
                       dimension * sizeof(float)) == 0;
    ++number;
    return same;
  });
  return same;
}

class Import {
 public:
  Import(const ImportOptions& options, ImportSource& source, IngestObserver& observer)
      : m_options(options), m_source(source), m_observer(observer) {}

  IngestSummary run() {
    try {
      take_all();
    } catch (const Error&) {
      report_last_commit();
      throw;
    }
    m_summary.interrupted = pending_interrupt() != 0;
    m_summary.total_seconds = seconds();
    return m_summary;
  }

 private:
  void take_all() {
    while (auto imported = timed_next()) {
      if (pending_interrupt() != 0) break;
      if (!m_writer) open(*imported);
      check_dimension(m_writer->settings().dimension, dimension_of(imported->document),
                      imported->where);
      add(std::move(imported->document));
      if (m_batch.is_full()) submit();
      m_observer.on_progress({.documents_done = m_done + m_batch.documents.size(),
                              .chunks = m_summary.chunks,
                              .seconds = seconds()});
    }
    if (pending_interrupt() == 0 && !m_batch.documents.empty()) submit();
    finish_storing();
  }

  std::optional<ImportedDocument> timed_next() {
    const Stopwatch watch(m_summary.load_seconds);
    return m_source.next();
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - m_start).count(); }

  void open(const ImportedDocument& first) {
    const StoreSettings settings = settings_for(m_options, first);
    m_writer.emplace(StoreWriter::open_or_create(
        m_options.store, settings, m_options.wait_seconds,
        [this](const std::string& notice) { m_observer.on_warning(notice); }));
    // Another process may have made the store meanwhile.
    const StoreSettings& made = m_writer->settings();
    check_encoder(made,
                  {.model = settings.model,
                   .fingerprint = settings.fingerprint,
                   .precision = settings.precision},
                  first.where);
    check_dimension(made.dimension, settings.dimension, first.where);
  }

  void add(NewDocument document) {
    // 16 bytes of a digest stand for a uri: there may be millions.
    if (!m_seen.insert(sha256_hex(document.record.uri).substr(0, 24)).second) {
      ++m_summary.skipped;
      m_observer.on_event({std::move(document.record.uri), IngestStatus::k_skipped, "", 0,
                           "comes twice; the first counts"});
      return;
    }
    m_batch.vector_bytes += document.vectors.size() * sizeof(float);
    for (const ChunkRecord& record : document.chunks) {
      m_batch.text_bytes += record.chunk.text.size();
    }
    m_batch.documents.push_back(std::move(document));
  }

  // The next batch is read while this one is stored.
  void submit() {
    finish_storing();
    auto batch = std::make_shared<Batch>(std::exchange(m_batch, {}));
    m_storing = m_worker.run([this, batch] {
      store(*batch);
      return batch;
    });
  }

  void store(Batch& batch) {
    const Stopwatch watch(batch.store_seconds);
    {
      std::optional<StoreReader> reader;
      std::vector<NewDocument> changed;
      for (NewDocument& document : batch.documents) {
        const auto stored = m_writer->find_document(document.record.uri);
        if (stored && !reader) reader.emplace(m_options.store);
        const bool is_same = stored && is_stored_so(document, *stored, *reader);
        batch.events.push_back({document.record.uri,
                                is_same  ? IngestStatus::k_unchanged
                                : stored ? IngestStatus::k_changed
                                         : IngestStatus::k_added,
                                document.record.sha256, document.chunks.size(), ""});
        for (const ChunkRecord& record : document.chunks) {
          if (!is_same) m_stored_fits.add(record.fit);
        }
        if (!is_same) changed.push_back(std::move(document));
      }
      batch.documents = std::move(changed);
    }
    m_writer->commit(batch.documents, {});
    batch.documents.clear();
    m_writer->shorten_log();  // here no reader is open
  }

  void finish_storing() {
    if (!m_storing.valid()) return;
    const std::shared_ptr<Batch> batch = m_storing.get();
    m_summary.store_seconds += batch->store_seconds;
    m_summary.fits = m_stored_fits;
    for (const IngestEvent& event : batch->events) {
      const bool is_unchanged = event.status == IngestStatus::k_unchanged;
      ++(is_unchanged                             ? m_summary.unchanged
         : event.status == IngestStatus::k_added ? m_summary.added
                                                  : m_summary.changed);
      if (!is_unchanged) m_summary.chunks += event.chunks;
      ++m_done;
      m_observer.on_event(event);
    }
  }

  // After an error: what another thread has stored is told all the same.
  void report_last_commit() {
    try {
      finish_storing();
    } catch (const Error&) {  // the first error is the one to tell
    }
  }

  const ImportOptions& m_options;
  ImportSource& m_source;
  IngestObserver& m_observer;
  Clock::time_point m_start = Clock::now();
  std::optional<StoreWriter> m_writer;
  IngestSummary m_summary;
  FitCounts m_stored_fits;  // of the storing thread
  std::uint64_t m_done = 0;  // documents
  std::unordered_set<std::string> m_seen;
  Batch m_batch;  // being filled
  std::future<std::shared_ptr<Batch>> m_storing;
  WorkerPool m_worker{1};  // ends before all of the above does
};

}  // namespace

void check_vector(std::vector<float>& vector, VectorLengths lengths, const std::string& where) {
  const auto refuse = [&where](const std::string& why) {
    throw Error(ErrorKind::k_io, where + ": its vector " + why);
  };
  double square = 0;
  for (const float x : vector) square += static_cast<double>(x) * static_cast<double>(x);
  if (std::abs(square - 1) < k_unit_tolerance) return;
  if (!std::isfinite(square)) refuse("holds a number that is not finite");
  if (square == 0) refuse("is zero: it has no direction");
  if (lengths == VectorLengths::k_unit_only) {
    refuse("has the length " + std::to_string(std::sqrt(square)) +
           ", not 1; give --normalize to bring vectors to it");
  }
  const double length = std::sqrt(square);
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / length);
}

IngestSummary import_documents(const ImportOptions& options, ImportSource& source,
                               IngestObserver& observer) {
  return Import(options, source, observer).run();
}

}  // namespace vecdb
