#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/chunk.h"

// A store on disk: one SQLite catalogue, which is the only truth, and immutable FAISS segments that
// hold the vectors. docs/FORMAT.md describes every byte.
//
// Errors of everything here: k_io when the path holds no store or a file cannot be read or written,
// k_damaged when a file is not what was committed or is of a newer format, k_busy when another
// process keeps the writer's lock.
namespace vecdb {

// Fixed when a store is made.
struct StoreSettings {
  std::string model;        // the model's name, for people
  std::string fingerprint;  // the model's identity, 64 hexadecimal digits
  std::string precision;    // "f32", "bf16" or "int8": the arithmetic of the vectors
  std::size_t dimension = 0;

  friend bool operator==(const StoreSettings&, const StoreSettings&) = default;
};

// What is known of a document beside its chunks.
struct DocumentRecord {
  std::string uri;            // unique in a store
  std::string sha256;         // of the source's bytes
  std::uint64_t size = 0;     // of the source, bytes
  std::int64_t mtime_ns = 0;  // of the source; 0 when it is no file
  // Of the source, when its content may be taken to be unchanged as long as size and both times
  // are; else 0.
  std::int64_t ctime_ns = 0;
  std::string type;         // what the source was read as: "text"
  std::string recipe;       // what it was made with, one JSON object on one line
  std::string meta = "{}";  // what is known of it, one JSON object on one line

  friend bool operator==(const DocumentRecord&, const DocumentRecord&) = default;
};

// How a chunk's text went into the model's window. The numbers stand in the catalogue.
enum class WindowFit : std::uint8_t {
  k_whole = 0,      // it fits
  k_truncated = 1,  // the encoder saw less than all of it
  k_split = 2,      // it fits, being a part of a chunk that did not
  k_averaged = 3,   // it was read in parts, and the vector is their mean
};

struct ChunkRecord {
  Chunk chunk;
  std::uint32_t tokens = 0;  // of all of the text, special tokens included
  WindowFit fit = WindowFit::k_whole;
};

// How many of some chunks have each fit other than k_whole.
struct FitCounts {
  std::uint64_t truncated = 0;
  std::uint64_t split = 0;
  std::uint64_t averaged = 0;

  void add(WindowFit fit) noexcept;
  FitCounts& operator+=(const FitCounts& other) noexcept;
  friend bool operator==(const FitCounts&, const FitCounts&) = default;
};

// A document to be stored. `vectors` holds chunks.size() × dimension floats, row-major, unit
// length.
struct NewDocument {
  DocumentRecord record;
  std::vector<ChunkRecord> chunks;
  std::vector<float> vectors;
};

// A chunk's number in a store, from 1: unique, never used again, ascending in a document. FAISS
// knows the chunk's vector by it.
using ChunkId = std::int64_t;

struct DocumentSummary {
  DocumentRecord record;
  ChunkId first_chunk = 0;  // the others' follow it one by one
  std::uint64_t chunks = 0;
  FitCounts fits;
  // The keys that the chunks' own metadata has, sorted, as a JSON array; empty when there are none.
  std::string chunk_keys;
};

// A chunk as a search returns it.
struct StoredChunk {
  ChunkId id = 0;
  std::uint64_t number = 0;  // of the chunk in its document, from 0
  ChunkRecord record;
  DocumentRecord document;
};

// A stored chunk of some text, and so of its vector.
struct KnownText {
  ChunkId chunk = 0;
  std::uint32_t tokens = 0;
  WindowFit fit = WindowFit::k_whole;
};

// Consecutive chunks: [first, end).
struct ChunkRange {
  ChunkId first = 0;
  ChunkId end = 0;

  friend bool operator==(const ChunkRange&, const ChunkRange&) = default;
};

// Ascending, none empty, no two sharing a chunk.
using ChunkRanges = std::vector<ChunkRange>;

struct Proposal {
  ChunkId chunk = 0;
  float score = 0;  // FAISS's inner product: right to rounding, not to the last bit
};

// Higher scores first, then lower ids.
bool is_better(const Proposal& a, const Proposal& b) noexcept;

// How a segment's vectors are kept in an index over it. Those in the segment itself stay as they
// are, and give the scores.
enum class VectorCodes { k_f32, k_f16, k_sq8 };  // sq8: 8 bits a component

enum class IndexKind {
  k_auto,  // by the number of vectors
  k_flat,  // none: every vector is compared
  k_ivf,   // inverted lists
};

struct CompactOptions {
  IndexKind index = IndexKind::k_auto;
  VectorCodes codes = VectorCodes::k_sq8;
};

// Recall@10 when that many inverted lists are searched.
struct RecallPoint {
  std::size_t lists = 0;
  double recall = 0;
};

// How thoroughly a search goes through a segment that has an index. Others are searched exactly.
struct SearchEffort {
  std::optional<std::size_t> lists;  // that are searched, at least 1
  double recall = 0.98;  // else as many as found this share when the index was made; 1: no index
};

struct StoreStats {
  std::uint64_t documents = 0;
  std::uint64_t chunks = 0;
  FitCounts fits;
  std::uint64_t tokens = 0;
  std::uint64_t text_bytes = 0;  // of all chunks
  std::uint64_t segments = 0;
  std::uint64_t indexed = 0;     // vectors in segments that have an index
  std::uint64_t dead_rows = 0;   // vectors of replaced or deleted chunks
  std::uint64_t disk_bytes = 0;  // catalogue and segments
  std::uint64_t generation = 0;
};

// Takes bytes one after another.
using ByteSink = std::function<void(std::span<const std::byte>)>;

// Reads one committed generation, whatever a writer does meanwhile. Not for use by several threads
// at once. Segments are checked against the catalogue's checksums before any of their bytes is
// used; rows of the catalogue before they are returned.
class StoreReader {
 public:
  // `threads`: how many propose() may use.
  explicit StoreReader(const std::filesystem::path& store, std::size_t threads = 1);
  ~StoreReader();
  StoreReader(StoreReader&&) noexcept;

  const StoreSettings& settings() const noexcept;

  // Whether its files still are what they were then, by inode, size and times. Who keeps a reader
  // for long asks before each use: a check of a file holds only as long.
  bool has_unchanged_files() const;

  // In byte order of their uris; each_document until `visit` returns false.
  std::vector<DocumentSummary> documents() const;
  void each_document(const std::function<bool(const DocumentSummary&)>& visit) const;
  std::optional<DocumentSummary> find_document(const std::string& uri) const;
  // Before it is said that there is none: find_document() trusts an index, in which a flipped bit
  // hides a document. Throws k_damaged when it does. Reads all documents.
  void require_absent(const std::string& uri) const;
  // All chunks of a document in order; empty when there is none of that uri.
  std::vector<StoredChunk> chunks_of(const std::string& uri) const;
  // The same one at a time, without the document, until `visit` returns false.
  void each_chunk_of(const std::string& uri,
                     const std::function<bool(ChunkId, const ChunkRecord&)>& visit) const;
  std::optional<StoredChunk> find_chunk(ChunkId id) const;
  StoreStats stats() const;
  // Chunks of exactly this text, those with equal fits once.
  std::vector<KnownText> find_text(std::string_view text) const;

  // The `count` chunks nearest to `query` (dimension floats) by inner product, best first, fewer
  // when the store holds fewer. FAISS decides; chunks that were replaced or deleted, and with
  // `among` all others than those, are left out inside the search. Equal scores come in any order.
  // Exact but for segments with an index.
  std::vector<Proposal> propose(std::span<const float> query, std::size_t count,
                                const ChunkRanges* among = nullptr,
                                const SearchEffort& effort = {}) const;
  // Whether that effort makes propose() exact.
  bool is_exact(const SearchEffort& effort) const;
  // Recall@10 of propose(), against exact search: with `questions` stored vectors, at numbers of
  // lists that grow up to all or until `enough`. Empty when no segment has an index.
  std::vector<RecallPoint> measure_recall(std::size_t questions, double enough) const;
  // Of a stored chunk: k_usage when there is no vector of that id.
  std::vector<float> vector_of(ChunkId chunk) const;
  // The chunk of a vector that was proposed.
  StoredChunk chunk_of_vector(ChunkId chunk) const;

  // Writes the whole generation as a tar archive, from what this reader has open, so that it does
  // not matter what a writer removes meanwhile. `scratch`: a folder for a copy of the catalogue,
  // which is gone afterwards. Every row and every segment is compared with its checksum before the
  // first byte is written: k_damaged. False when an interrupt came before the end.
  bool write_archive(const std::filesystem::path& scratch, const ByteSink& sink) const;

 private:
  void open(const std::filesystem::path& store, std::size_t threads);

  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// Called with what a writer does beside its task, e.g. "removed 1 file that no commit names".
using Notice = std::function<void(const std::string&)>;

// The one process that changes a store: holds its lock from construction to destruction.
class StoreWriter {
 public:
  // Opens the store, or makes it (also its folder) when the path does not exist, is an empty
  // folder, or holds the remains of a creation that was cut short. Waits up to `wait_seconds` for
  // the lock. An existing store keeps its own settings: compare settings() with what was asked for.
  static StoreWriter open_or_create(const std::filesystem::path& store,
                                    const StoreSettings& settings, double wait_seconds,
                                    const Notice& notice);
  static StoreWriter open(const std::filesystem::path& store, double wait_seconds,
                          const Notice& notice);
  ~StoreWriter();
  StoreWriter(StoreWriter&&) noexcept;

  const StoreSettings& settings() const noexcept;
  std::optional<DocumentSummary> find_document(const std::string& uri) const;
  void require_absent(const std::string& uri) const;  // see StoreReader

  // Stores the documents, replacing those of the same uri, removes the documents of the given uris
  // (unknown ones are ignored), and gives stored documents that are the same else a new record: all
  // of it or nothing, durable on return. Nothing to do is no commit. Throws k_usage for vectors of
  // another dimension or not of unit length, a uri twice, or one that is touched and not stored.
  void commit(std::span<const NewDocument> documents, std::span<const std::string> removed,
              std::span<const DocumentRecord> touched = {});

  // Writes all vectors into one segment without those of chunks that are no more, makes the index
  // that is asked for or removes the one that is not, and gives the catalogue's unused pages back.
  // commit() does the like for parts of the store when it is due. False when an interrupt came
  // first: then what was not done yet is as it was.
  bool compact(const CompactOptions& options = {});

  // Empties the write-ahead log when it is long and no reader is at work. A log starts over only
  // where nobody reads: who opens readers one after another calls this while it has none open.
  void shorten_log();

 private:
  StoreWriter();
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// What is committed in a store: another one after each commit, and in another store.
struct StoreState {
  std::string store;  // the store's own name, 32 hexadecimal digits
  std::int64_t generation = 0;

  friend bool operator==(const StoreState&, const StoreState&) = default;
};

// Read anew at each call, without opening the store. k_io where nothing was committed yet.
StoreState committed_state(const std::filesystem::path& store);

// Whether the path holds a store, of whatever state or version.
bool is_store(const std::filesystem::path& store);

// Whether it is a store in the making: another process is at it, or was stopped at it. Nothing was
// committed to it yet, and StoreWriter::open_or_create finishes it.
bool is_unfinished_store(const std::filesystem::path& store);

// Brings a store of format 2 to the present one: all of it, or nothing when this throws or an
// interrupt comes. Documents keep everything but their chunks' ids. Makes the new store beside the
// old one, as NAME.migrating, and lets the two change places in one step; needs as much room again.
// Returns the number of documents; nothing when the store has the present format already. Throws
// k_damaged when the old store is not what was committed.
std::optional<std::uint64_t> migrate_store(const std::filesystem::path& store, double wait_seconds,
                                           const Notice& notice);

// Makes a store of an archive that StoreReader::write_archive() wrote: all of it, or nothing when
// this throws or an interrupt comes (then false). `store` must be absent or an empty folder: k_io.
// `read` fills its buffer, with fewer bytes only at the end; `name` is the archive's. Unpacks
// beside `store`, and verifies all of it. Throws k_io for what is no such archive, k_damaged when
// what it holds is not what was committed.
bool import_archive(const std::filesystem::path& store,
                    const std::function<std::size_t(std::span<std::byte>)>& read,
                    const std::string& name);

// Reads every byte of a store and checks it: the catalogue's own structure, the checksum of every
// row, every segment's bytes, and that chunks and rows name each other exactly. Returns what is
// wrong, one line each, naming the file and, where there is one, the document; empty when sound.
// Takes no cached result. After an interrupt: what was found until then.
std::vector<std::string> verify_store(const std::filesystem::path& store);

std::string sqlite_version();  // "3.40.1"
// With the instruction set that its loops are built for, as FAISS names it: "1.7.3 (AVX2)".
std::string faiss_version();

}  // namespace vecdb
