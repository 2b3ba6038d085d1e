#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/overflow.h"
#include "pipeline/source.h"
#include "pipeline/splitter_settings.h"
#include "store/store.h"

// What ingest does with a source before anything is encoded: is it new, and what are its chunks?
namespace vecdb {

// When a stored document is compared with its source by content: where size and times leave a
// doubt, or always.
enum class Compare { k_when_in_doubt, k_always };

struct PrepareOptions {
  LoadOptions load;
  Splitting splitting;
  std::string meta = "{}";  // one JSON object, for every document
  Overflow overflow = Overflow::k_warn;
  const Embedder* embedder = nullptr;  // for k_split
  Compare compare = Compare::k_when_in_doubt;
};

enum class SourceState {
  k_added,
  k_changed,
  k_remade,  // the source is as stored, but not what it is to be made with
  k_unchanged,
  k_touched,  // the same, with other times
  k_skipped,
};

// DocumentRecord::type of chunks that came ready.
inline constexpr const char* k_ready_type = "chunks";

// What a document is known by that came as ready chunks. Takes what they all say alike out of
// them: with `meta`, a JSON object, it is the document's metadata.
DocumentRecord record_of_ready(std::string uri, std::vector<Chunk>& chunks,
                               const std::string& meta, const std::string& recipe);

// The recipe of ready chunks to which no settings apply.
std::string recipe_of_ready_chunks();

struct Prepared {
  DocumentRecord record;
  SourceState state = SourceState::k_skipped;
  std::string reason;               // when skipped
  std::vector<Skipped> parts;       // of the source, that were skipped
  std::vector<ChunkRecord> chunks;  // of what is to be stored, neither tokens nor fits known
  std::uint64_t stored_chunks = 0;  // of the stored document
  bool has_line_end_trouble = false;
  double load_seconds = 0;
  double split_seconds = 0;
};

// What documents are made with: settings as they are kept with a document, one JSON object on one
// line. A document with another recipe is made again.
class Recipes {
 public:
  // `splitter` and `meta` are JSON objects; `meta` is what the user says of every document.
  Recipes(std::string splitter, const LoadOptions& load, std::string meta);

  const std::string& of_file() const noexcept { return m_of_file; }
  std::string of_text(const std::string& meta) const;  // of which the user says something else
  const std::string& of_ready_chunks() const noexcept { return m_of_ready_chunks; }

 private:
  std::string made_of(const std::string& splitter, const std::string& meta) const;

  std::string m_splitter;
  std::string m_load;
  std::string m_meta;
  std::string m_of_file;
  std::string m_of_ready_chunks;
};

// Prepares the sources of one ingest, which all have the same options.
class Preparer {
 public:
  explicit Preparer(PrepareOptions options);

  const PrepareOptions& options() const noexcept { return m_options; }

  // `stored` is the document of that uri, if there is one. Safe to call from several threads.
  Prepared prepare(Source source, const std::optional<DocumentSummary>& stored) const;

 private:
  PrepareOptions m_options;
  Recipes m_recipes;
};

}  // namespace vecdb
