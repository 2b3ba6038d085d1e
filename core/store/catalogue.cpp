#include "store/catalogue.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "store/damage.h"
#include "store/row_columns.h"
#include "store/schema.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr const char* k_all_segments =
    "SELECT id, name, kind, bytes, sha256, dimension, metric, count, generation, first, last,"
    " search_index, dead, dead_digest, checksum FROM segments ORDER BY first";
constexpr const char* k_one_segment =
    "SELECT id, name, kind, bytes, sha256, dimension, metric, count, generation, first, last,"
    " search_index, dead, dead_digest, checksum FROM segments WHERE id=?";
// Columns of a document and of a chunk, with the tables' names for where both are read.
#define DOCUMENT_COLUMNS                                                                 \
  " d.id, d.uri, d.sha256, d.size, d.mtime_ns, d.ctime_ns, d.type, d.recipe, d.meta,"    \
  " d.first_chunk, d.chunks, d.truncated, d.split, d.averaged, d.tokens, d.text_bytes, " \
  "d.chunk_keys, d.checksum"
#define CHUNK_COLUMNS                                                                          \
  " c.id, c.document, c.number, c.start, c.end, c.line, c.text, c.text_key, c.meta, c.tokens," \
  " c.fit, c.checksum"
// The outer join lets a chunk whose document is lost be seen as the damage it is.
#define CHUNK_IN_DOCUMENT                     \
  "SELECT" CHUNK_COLUMNS "," DOCUMENT_COLUMNS \
  " FROM chunks c LEFT JOIN documents d ON d.id=c.document"

constexpr const char* k_all_documents = "SELECT" DOCUMENT_COLUMNS " FROM documents d ORDER BY uri";
constexpr const char* k_one_document = "SELECT" DOCUMENT_COLUMNS " FROM documents d WHERE uri=?";
constexpr const char* k_document_by_number =
    "SELECT" DOCUMENT_COLUMNS " FROM documents d WHERE d.id=?";
constexpr const char* k_chunk_by_number = "SELECT" CHUNK_COLUMNS " FROM chunks c WHERE c.id=?";
constexpr const char* k_chunks_of_document =
    "SELECT" CHUNK_COLUMNS " FROM chunks c WHERE document=? ORDER BY number";
constexpr const char* k_chunk_by_id = CHUNK_IN_DOCUMENT " WHERE c.id=?";
constexpr const char* k_chunks_by_text = CHUNK_IN_DOCUMENT " WHERE c.text_key=? ORDER BY c.id";
constexpr int k_chunk_columns = 12;

bool has_log(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file.string() + "-wal", error);
  return !error && size > 0;
}

}  // namespace

Catalogue::Catalogue(const fs::path& file, OpenMode mode)
    : m_database(std::make_unique<Database>(file, mode)) {
  if (mode != OpenMode::k_write) m_database->query("BEGIN").run();
  check_schema(*m_database);
  m_fixed = read_settings(*m_database);
}

void Catalogue::create(const fs::path& file, const StoreSettings& settings,
                       const std::string& store_id) {
  const fs::path temporary = file.string() + ".tmp-" + std::to_string(::getpid());
  std::error_code ignored;
  fs::remove(temporary, ignored);
  {
    Database database(temporary, OpenMode::k_create);
    create_schema(database, settings, store_id);
    database.query("PRAGMA journal_mode=WAL").run();
  }
  // SQLite has closed the file, so that a descriptor of our own takes no lock away from it.
  const FileDescriptor made = open_regular_file(temporary);
  if (::fsync(made.get()) != 0 || ::rename(temporary.c_str(), file.c_str()) != 0) {
    const std::string why = last_system_error();
    fs::remove(temporary, ignored);
    throw Error(ErrorKind::k_io, file.string() + ": cannot create: " + why);
  }
  sync_folder(file.parent_path());
}

Catalogue Catalogue::open_to_read(const fs::path& file) {
  try {
    return Catalogue(file, OpenMode::k_read);
  } catch (const Error& error) {
    const bool may_write = ::access(file.parent_path().c_str(), W_OK) == 0;
    if (error.kind() != ErrorKind::k_io || may_write || has_log(file)) throw;
  }
  return Catalogue(file, OpenMode::k_immutable);
}

Catalogue Catalogue::open_to_write(const fs::path& file) {
  return Catalogue(file, OpenMode::k_write);
}

StateRow Catalogue::state() const {
  Statement statement = m_database->query(
      "SELECT generation, documents, segments, next_document, next_chunk, next_segment, checksum"
      " FROM state");
  if (!statement.step()) throw damaged(file(), "the row of the state is missing");
  const StateRow row{.generation = statement.integer(0),
                     .documents = statement.integer(1),
                     .segments = statement.integer(2),
                     .next_document = statement.integer(3),
                     .next_chunk = statement.integer(4),
                     .next_segment = statement.integer(5)};
  if (checksum_of(row) != statement.text(6)) {
    throw damaged(file(), "the checksum of the state does not match");
  }
  if (!is_possible(row)) throw impossible(file(), "the state");
  return row;
}

SegmentRow Catalogue::read_segment(const Statement& statement) const {
  SegmentRow row = segment_from(statement, settings().dimension, file());
  Statement dead =
      m_database->query("SELECT chunk FROM tombstones WHERE segment=? ORDER BY chunk", row.id);
  while (dead.step()) row.dead.push_back(dead.integer(0));
  if (statement.integer(12) != to_signed(row.dead.size()) ||
      statement.text(13) != tombstone_digest(row)) {
    throw damaged(file(),
                  "the checksum of segment " + row.name + " or its tombstones does not match");
  }
  if (!is_possible(row)) throw impossible(file(), "segment " + row.name);
  return row;
}

std::vector<SegmentRow> Catalogue::segments() const {
  std::vector<SegmentRow> rows;
  Statement statement = m_database->query(k_all_segments);
  while (statement.step()) {
    rows.push_back(read_segment(statement));
    if (rows.size() > 1 && rows.back().first <= rows[rows.size() - 2].last) {
      throw damaged(file(), "two segments share a range of chunks");
    }
  }
  if (to_signed(rows.size()) != state().segments) {
    throw damaged(file(), "the number of segments is not the one committed");
  }
  return rows;
}

SegmentRow Catalogue::segment(std::int64_t id) const {
  Statement statement = m_database->query(k_one_segment, id);
  if (!statement.step()) throw damaged(file(), "segment " + std::to_string(id) + " is missing");
  return read_segment(statement);
}

DocumentRow Catalogue::read_document(const Statement& statement, int first) const {
  return document_from(statement, first, file());
}

void Catalogue::each_document(const std::function<bool(const DocumentRow&)>& visit) const {
  std::int64_t found = 0;
  Statement statement = m_database->query(k_all_documents);
  for (; statement.step(); ++found) {
    if (!visit(read_document(statement, 0))) return;
  }
  if (found != state().documents) {
    throw damaged(file(), "the number of documents is not the one committed");
  }
}

std::optional<DocumentRow> Catalogue::find_document(const std::string& uri) const {
  Statement statement = m_database->query(k_one_document, uri);
  if (!statement.step()) return std::nullopt;
  DocumentRow row = read_document(statement, 0);
  if (row.summary.record.uri != uri) throw damaged(file(), "the index of documents is wrong");
  return row;
}

void Catalogue::require_absent(std::span<const std::string> uris) const {
  each_document([&](const DocumentRow& row) {
    if (std::ranges::count(uris, row.summary.record.uri) > 0) throw damaged(file(), "the index of documents is wrong");
    return true;
  });
}

ChunkRow Catalogue::read_chunk(const Statement& statement, const std::string& uri) const {
  return chunk_from(statement, uri, file());
}

std::optional<DocumentRow> Catalogue::document(std::int64_t number) const {
  Statement statement = m_database->query(k_document_by_number, number);
  if (!statement.step()) return std::nullopt;
  DocumentRow row = read_document(statement, 0);
  if (row.id != number) throw damaged(file(), "the rows of documents are out of order");
  return row;
}

ChunkRow Catalogue::chunk(const DocumentRow& document, ChunkId id) const {
  const DocumentSummary& summary = document.summary;
  Statement statement = m_database->query(k_chunk_by_number, id);
  if (statement.step()) {
    ChunkRow row = read_chunk(statement, summary.record.uri);
    const bool agrees = row.id == id && row.document == document.id &&
                        row.number == id - summary.first_chunk;
    if (agrees) return row;
  }
  throw damaged(file(), "a chunk of document " + summary.record.uri + " is missing");
}

// Forwards and backwards, because a damaged page ends each way; from indexes too, which have pages
// of their own.
std::vector<std::int64_t> Catalogue::numbers_of_documents() const {
  return find_numbers({"SELECT id FROM documents NOT INDEXED ORDER BY id",
                       "SELECT id FROM documents NOT INDEXED ORDER BY id DESC",
                       "SELECT id FROM documents ORDER BY uri",
                       "SELECT id FROM documents ORDER BY uri DESC",
                       "SELECT document FROM chunks ORDER BY document, number",
                       "SELECT document FROM chunks ORDER BY document DESC, number DESC"});
}

std::vector<std::int64_t> Catalogue::find_numbers(
    std::initializer_list<const char*> queries) const {
  std::set<std::int64_t> numbers;
  each_row_left(queries, [&](const Statement& row) { numbers.insert(row.integer(0)); });
  return {numbers.begin(), numbers.end()};
}

std::map<std::int64_t, std::string> Catalogue::names_of_documents(
    const std::set<std::int64_t>& known) const {
  std::map<std::int64_t, std::string> names;
  each_row_left({"SELECT id, uri FROM documents ORDER BY uri",
                 "SELECT id, uri FROM documents ORDER BY uri DESC",
                 "SELECT id, uri FROM documents NOT INDEXED ORDER BY id",
                 "SELECT id, uri FROM documents NOT INDEXED ORDER BY id DESC"},
                [&](const Statement& row) {
                  const std::int64_t number = row.integer(0);
                  if (!known.contains(number)) names.try_emplace(number, row.text(1));
                });
  return names;
}

bool Catalogue::has_all_documents(const std::set<std::int64_t>& known) const {
  for (const char* sql : {"SELECT id FROM documents NOT INDEXED ORDER BY id",
                          "SELECT id FROM documents ORDER BY uri"}) {
    std::set<std::int64_t> numbers;
    try {
      Statement statement = m_database->query(sql);
      while (statement.step()) numbers.insert(statement.integer(0));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::k_damaged) throw;
      return false;
    }
    if (numbers != known) return false;
  }
  return true;
}

void Catalogue::each_row_left(std::initializer_list<const char*> queries,
                              const std::function<void(const Statement&)>& visit) const {
  for (const char* sql : queries) {
    try {
      Statement statement = m_database->query(sql);
      while (statement.step()) visit(statement);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::k_damaged) throw;
    }
  }
}

std::vector<ChunkRow> Catalogue::chunks_of(const DocumentRow& document) const {
  std::vector<ChunkRow> rows;
  each_chunk_of(document, [&rows](ChunkRow&& row) {
    rows.push_back(std::move(row));
    return true;
  });
  return rows;
}

void Catalogue::each_chunk_of(const DocumentRow& document,
                              const std::function<bool(ChunkRow&&)>& visit) const {
  const DocumentSummary& summary = document.summary;
  std::int64_t found = 0;
  Statement statement = m_database->query(k_chunks_of_document, document.id);
  for (; statement.step(); ++found) {
    ChunkRow row = read_chunk(statement, summary.record.uri);
    if (row.document != document.id || row.number != found ||
        row.id != summary.first_chunk + found) {
      throw damaged(file(), "a chunk of document " + summary.record.uri + " is missing");
    }
    if (!visit(std::move(row))) return;
  }
  if (to_unsigned(found) != summary.chunks) {
    throw damaged(file(), "a chunk of document " + summary.record.uri + " is missing");
  }
}

std::optional<Catalogue::ChunkInDocument> Catalogue::read_chunk_in_document(
    Statement& statement) const {
  if (!statement.step()) return std::nullopt;
  DocumentRow document = read_document(statement, k_chunk_columns);
  ChunkRow chunk = read_chunk(statement, document.summary.record.uri);
  if (chunk.document != document.id) throw damaged(file(), "the index of documents is wrong");
  return ChunkInDocument{.chunk = std::move(chunk), .document = std::move(document)};
}

std::optional<Catalogue::ChunkInDocument> Catalogue::find_chunk(ChunkId id) const {
  Statement statement = m_database->query(k_chunk_by_id, id);
  auto found = read_chunk_in_document(statement);
  if (found && found->chunk.id != id) throw damaged(file(), "the index of chunks is wrong");
  return found;
}

void Catalogue::each_chunk_of_text(std::string_view text,
                                   const std::function<bool(const ChunkInDocument&)>& visit) const {
  Statement statement = m_database->query(k_chunks_by_text, key_of_text(text));
  while (const auto found = read_chunk_in_document(statement)) {
    if (found->chunk.record.chunk.text == text && !visit(*found)) return;
  }
}

}  // namespace vecdb
