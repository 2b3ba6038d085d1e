#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/overflow.h"
#include "pipeline/prepare.h"
#include "pipeline/source.h"
#include "pipeline/store_model.h"

namespace vecdb {

// k_dry_run: look at everything, refuse what would be refused, and report what would happen;
// nothing is encoded, and no store is made or changed.
enum class IngestMode { k_store, k_dry_run };

struct IngestOptions {
  std::filesystem::path store;
  ModelChoice model;
  LoadOptions load;
  SplitterOptions splitter;
  std::string meta = "{}";  // one JSON object, kept with every document
  Overflow overflow = Overflow::k_warn;
  Compare compare = Compare::k_when_in_doubt;
  std::size_t jobs = 1;     // threads that load and split
  double wait_seconds = 5;  // for another writer
  IngestMode mode = IngestMode::k_store;
  // Whether chunks are compared with the splitter's size: not those that it did not make.
  bool measures_lengths = true;
  // Folders and files, by uri: stored documents under them whose files are gone are removed.
  std::vector<std::string> prune_roots;
};

enum class IngestStatus { k_added, k_changed, k_unchanged, k_removed, k_skipped };

const char* name_of(IngestStatus status);  // "added", …

struct IngestEvent {
  std::string uri;
  IngestStatus status = IngestStatus::k_added;
  std::string sha256;  // of the source; empty when skipped
  std::uint64_t chunks = 0;
  std::string reason;  // when skipped
};

struct IngestSummary {
  std::uint64_t added = 0;
  std::uint64_t changed = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t removed = 0;
  std::uint64_t skipped = 0;
  std::uint64_t remade = 0;  // among the changed: only what they were to be made with was new
  std::uint64_t chunks = 0;  // of added and changed documents
  std::uint64_t reused = 0;  // among them: those whose vectors were at hand
  std::uint64_t tokens = 0;  // that the encoder saw
  FitCounts fits;            // of those chunks, into the model's window
  ChunkLengths lengths;      // of those chunks
  std::uint64_t line_end_troubles = 0;  // documents, see has_line_end_trouble()
  double load_seconds = 0;              // of all jobs together, as splitting
  double split_seconds = 0;
  double encode_seconds = 0;         // with tokenizing
  double tokenize_seconds = 0;       // of those
  double encoder_idle_seconds = 0;   // between its first and last batch: it waited for texts
  double store_seconds = 0;
  double total_seconds = 0;  // by the clock on the wall: the stages overlap
  bool interrupted = false;  // stopped before the end; everything counted here is stored
};

struct IngestProgress {
  std::uint64_t documents_done = 0;  // skipped, unchanged or stored
  std::uint64_t documents = 0;       // 0: not known
  std::uint64_t chunks = 0;          // stored
  std::uint64_t tokens = 0;          // that the encoder saw
  double seconds = 0;                // since the beginning
};

// Hears of an ingest while it runs, on the thread that called ingest().
class IngestObserver {
 public:
  virtual ~IngestObserver() = default;
  // Added and changed documents are reported after the commit that holds them.
  virtual void on_event(const IngestEvent& event) = 0;
  virtual void on_warning(const std::string& message) = 0;
  // Every now and then.
  virtual void on_progress(const IngestProgress& progress) = 0;
};

// Where documents come from, one at a time.
class SourceStream {
 public:
  virtual ~SourceStream() = default;
  // Nothing at the end and ever after, when the program is asked to stop, and after stop().
  virtual std::optional<Source> next() = 0;
  virtual std::uint64_t total() const { return 0; }  // 0: not known before the end
  // Whether next() may wait for another program. It is then called on a thread of its own.
  virtual bool may_wait() const { return false; }

  // From any thread: nobody will take what next() waits for.
  void stop() noexcept { m_stop.request_stop(); }

 protected:
  std::stop_token stop_token() const noexcept { return m_stop.get_token(); }

 private:
  std::stop_source m_stop;
};

// Loads, splits, encodes and stores, in batches of which each is one commit. The four overlap: jobs
// load and split what comes next while one batch is encoded and the one before it is stored; what
// is held is bounded by them and by the largest document. Which documents, chunks and vectors
// are stored depends on nothing but the sources and what was stored. When the sources keep it
// waiting, what came before is stored without them.
//
// A document that is as stored, made with the same settings, is left alone, unless it has chunks
// longer than the window that `overflow` now treats in another way; a changed one replaces its old
// self. Texts whose vectors are at hand are not encoded again. Makes the store when there is none.
// Sources that are no documents, and documents that `overflow` refuses, are skipped; of two with
// one uri the first counts.
IngestSummary ingest(const IngestOptions& options, SourceStream& sources, IngestObserver& observer);

}  // namespace vecdb
