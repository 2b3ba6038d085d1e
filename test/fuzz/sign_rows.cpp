#include "sign_rows.h"

#include <map>
#include <string>
#include <vector>

#include "store/row_checksum.h"
#include "store/rows.h"

namespace vecdb::fuzz {

namespace {

void sign_settings(Database& database) {
  std::map<std::string, std::string> values;
  Statement statement = database.query("SELECT key, value FROM settings WHERE key<>'checksum'");
  while (statement.step()) values.emplace(statement.text(0), statement.text(1));
  RowChecksum checksum("settings");
  for (const auto& [key, value] : values) checksum.add(key).add(value);
  database.query("UPDATE settings SET value=? WHERE key='checksum'", checksum.hex()).run();
}

void sign_state(Database& database) {
  StateRow row;
  {
    Statement statement = database.query(
        "SELECT generation, documents, segments, next_document, next_chunk, next_segment"
        " FROM state");
    if (!statement.step()) return;
    row = {statement.integer(0), statement.integer(1), statement.integer(2),
           statement.integer(3), statement.integer(4), statement.integer(5)};
  }
  database.query("UPDATE state SET checksum=?", checksum_of(row)).run();
}

void sign_segments(Database& database) {
  std::vector<SegmentRow> rows;
  Statement statement = database.query(
      "SELECT id, name, bytes, sha256, dimension, count, generation, first, last, search_index"
      " FROM segments");
  while (statement.step()) {
    SegmentRow row{.id = statement.integer(0),
                   .name = statement.text(1),
                   .bytes = statement.integer(2),
                   .sha256 = statement.text(3),
                   .dimension = statement.integer(4),
                   .count = statement.integer(5),
                   .generation = statement.integer(6),
                   .first = statement.integer(7),
                   .last = statement.integer(8),
                   .index = statement.text(9),
                   .dead = {}};
    Statement dead =
        database.query("SELECT chunk FROM tombstones WHERE segment=? ORDER BY chunk", row.id);
    while (dead.step()) row.dead.push_back(dead.integer(0));
    rows.push_back(std::move(row));
  }
  for (const SegmentRow& row : rows) {
    database
        .query("UPDATE segments SET dead=?, dead_digest=?, checksum=? WHERE id=?",
               to_signed(row.dead.size()), tombstone_digest(row), checksum_of(row), row.id)
        .run();
  }
}

void sign_documents(Database& database) {
  std::vector<DocumentRow> rows;
  Statement statement = database.query(
      "SELECT id, uri, sha256, size, mtime_ns, ctime_ns, type, recipe, meta, first_chunk, chunks,"
      " truncated, split, averaged, tokens, text_bytes, chunk_keys FROM documents");
  while (statement.step()) {
    DocumentRow row;
    row.id = statement.integer(0);
    row.summary = {.record = {.uri = statement.text(1),
                              .sha256 = statement.text(2),
                              .size = to_unsigned(statement.integer(3)),
                              .mtime_ns = statement.integer(4),
                              .ctime_ns = statement.integer(5),
                              .type = statement.text(6),
                              .recipe = statement.text(7),
                              .meta = statement.text(8)},
                   .first_chunk = statement.integer(9),
                   .chunks = to_unsigned(statement.integer(10)),
                   .fits = {.truncated = to_unsigned(statement.integer(11)),
                            .split = to_unsigned(statement.integer(12)),
                            .averaged = to_unsigned(statement.integer(13))},
                   .chunk_keys = statement.text(16)};
    row.tokens = statement.integer(14);
    row.text_bytes = statement.integer(15);
    rows.push_back(std::move(row));
  }
  for (const DocumentRow& row : rows) {
    database.query("UPDATE documents SET checksum=? WHERE id=?", checksum_of(row), row.id).run();
  }
}

void sign_chunks(Database& database) {
  std::vector<std::pair<ChunkRow, std::string>> rows;
  Statement statement = database.query(
      "SELECT c.id, c.document, c.number, c.start, c.end, c.line, c.text, c.meta, c.tokens, c.fit,"
      " d.uri FROM chunks c JOIN documents d ON d.id=c.document");
  while (statement.step()) {
    ChunkRow row;
    row.id = statement.integer(0);
    row.document = statement.integer(1);
    row.number = statement.integer(2);
    // As a reader narrows them.
    row.record = {.chunk = {.start = to_unsigned(statement.integer(3)),
                            .end = to_unsigned(statement.integer(4)),
                            .line = to_unsigned(statement.integer(5)),
                            .text = statement.text(6),
                            .meta = statement.text(7)},
                  .tokens = static_cast<std::uint32_t>(statement.integer(8)),
                  .fit = static_cast<WindowFit>(statement.integer(9))};
    rows.emplace_back(std::move(row), statement.text(10));
  }
  for (const auto& [row, uri] : rows) {
    database
        .query("UPDATE chunks SET text_key=?, checksum=? WHERE id=?",
               key_of_text(row.record.chunk.text), checksum_of(row, uri), row.id)
        .run();
  }
}

}  // namespace

void sign_rows(Database& database) {
  sign_settings(database);
  sign_state(database);
  sign_segments(database);
  sign_documents(database);
  sign_chunks(database);
}

}  // namespace vecdb::fuzz
