#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/overflow.h"
#include "pipeline/source.h"
#include "pipeline/store_model.h"

namespace vecdb {

// k_dry_run: look at everything and report what would happen, without a model and without a store.
enum class IngestMode { k_store, k_dry_run };

struct IngestOptions {
  std::filesystem::path store;
  ModelChoice model;
  SplitterOptions splitter;
  std::string meta = "{}";  // one JSON object, kept with every document
  Overflow overflow = Overflow::k_warn;
  double wait_seconds = 5;  // for another writer
  IngestMode mode = IngestMode::k_store;
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
  std::uint64_t chunks = 0;  // of added and changed documents
  std::uint64_t tokens = 0;  // that the encoder saw
  FitCounts fits;            // of those chunks, into the model's window
  ChunkLengths lengths;      // of those chunks
  double split_seconds = 0;  // loading and splitting
  double encode_seconds = 0;
  double store_seconds = 0;
  bool interrupted = false;  // stopped before the end; everything counted here is stored
};

// Hears of an ingest while it runs.
class IngestObserver {
 public:
  virtual ~IngestObserver() = default;
  // Added and changed documents are reported after the commit that holds them.
  virtual void on_event(const IngestEvent& event) = 0;
  virtual void on_warning(const std::string& message) = 0;
  // After each document that was looked at.
  virtual void on_progress(std::uint64_t documents_done, std::uint64_t documents,
                           std::uint64_t chunks_stored) = 0;
};

// Where documents come from, one at a time.
class SourceStream {
 public:
  virtual ~SourceStream() = default;
  virtual std::optional<Source> next() = 0;
  virtual std::uint64_t total() const { return 0; }  // 0: not known before the end
};

// Loads, splits, encodes and stores, in batches of which each is one commit. A document whose
// bytes, splitting and metadata are as stored is left alone, unless it has chunks longer than the
// window that `overflow` now treats in another way; a changed one replaces its old self.
// Makes the store when there is none. Sources that are no documents, and documents that `overflow`
// refuses, are skipped; of two with one uri the first counts.
IngestSummary ingest(const IngestOptions& options, SourceStream& sources, IngestObserver& observer);

}  // namespace vecdb
