#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/rows.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace vecdb {

// catalog.db, the only truth about a store. Every row that is handed out has been compared with its
// checksum; k_damaged where that fails.
class Catalogue {
 public:
  struct ChunkInDocument {
    ChunkRow chunk;
    DocumentRow document;
  };

  // Makes the file, whole or not at all. Only under the lock.
  static void create(const std::filesystem::path& file, const StoreSettings& settings,
                     const std::string& store_id);
  // Sees one committed state for as long as it lives. Falls back to a mode without any lock in a
  // folder that this process cannot write to and where no log is left to be read.
  static Catalogue open_to_read(const std::filesystem::path& file);
  // Only under the lock.
  static Catalogue open_to_write(const std::filesystem::path& file);

  const std::filesystem::path& file() const noexcept { return m_database->file(); }
  Database& database() noexcept { return *m_database; }
  const StoreSettings& settings() const noexcept { return m_fixed.settings; }
  const std::string& store_id() const noexcept { return m_fixed.store_id; }

  StateRow state() const;
  // In order of their chunks, no two sharing a range; their number compared with the state's.
  std::vector<SegmentRow> segments() const;
  SegmentRow segment(std::int64_t id) const;
  // By uri, until `visit` returns false; their number compared with the state's.
  void each_document(const std::function<bool(const DocumentRow&)>& visit) const;
  std::optional<DocumentRow> find_document(const std::string& uri) const;
  // Throws k_damaged when there is one of that uri which its index does not lead to. Reads all.
  void require_absent(std::span<const std::string> uris) const;
  std::vector<ChunkRow> chunks_of(const DocumentRow& document) const;
  void each_chunk_of(const DocumentRow& document,
                     const std::function<bool(ChunkRow&&)>& visit) const;
  std::optional<ChunkInDocument> find_chunk(ChunkId id) const;
  // Those of exactly this text, in order of their numbers, until `visit` returns false.
  void each_chunk_of_text(std::string_view text,
                          const std::function<bool(const ChunkInDocument&)>& visit) const;

  // The same row by row, for a catalogue that is damaged elsewhere. A number that is not in use has
  // no document; a chunk of a document is there, or the catalogue is damaged.
  std::optional<DocumentRow> document(std::int64_t number) const;
  ChunkRow chunk(const DocumentRow& document, ChunkId id) const;
  // As many as can be found, ascending.
  std::vector<std::int64_t> numbers_of_documents() const;
  // The uris of all documents but some, unchecked, as far as they can be read.
  std::map<std::int64_t, std::string> names_of_documents(
      const std::set<std::int64_t>& known) const;
  // Whether the table and its index can be read and have just those documents.
  bool has_all_documents(const std::set<std::int64_t>& known) const;

 private:
  Catalogue(const std::filesystem::path& file, OpenMode mode);
  std::vector<std::int64_t> find_numbers(std::initializer_list<const char*> queries) const;
  // Rows of all these queries, of each up to the first one that cannot be read.
  void each_row_left(std::initializer_list<const char*> queries,
                     const std::function<void(const Statement&)>& visit) const;
  SegmentRow read_segment(const Statement& statement) const;
  DocumentRow read_document(const Statement& statement, int first) const;
  ChunkRow read_chunk(const Statement& statement, const std::string& uri) const;
  std::optional<ChunkInDocument> read_chunk_in_document(Statement& statement) const;

  std::unique_ptr<Database> m_database;
  FixedSettings m_fixed;
};

}  // namespace vecdb
