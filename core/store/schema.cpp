#include "store/schema.h"

#include <array>
#include <charconv>
#include <map>
#include <string_view>

#include "store/damage.h"
#include "store/format.h"
#include "store/row_checksum.h"
#include "store/rows.h"

namespace vecdb {

namespace {

// SQLite keeps these texts as they are, so that one comparison sees any change to them. Tables come
// before indexes, as VACUUM orders them.
constexpr std::array<std::string_view, 8> k_statements = {
    "CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE state(id INTEGER PRIMARY KEY, generation INTEGER NOT NULL,"
    " documents INTEGER NOT NULL, segments INTEGER NOT NULL, next_document INTEGER NOT NULL,"
    " next_chunk INTEGER NOT NULL, next_segment INTEGER NOT NULL, checksum TEXT NOT NULL) STRICT",
    "CREATE TABLE documents(id INTEGER PRIMARY KEY, uri TEXT NOT NULL UNIQUE,"
    " sha256 TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " ctime_ns INTEGER NOT NULL, type TEXT NOT NULL, recipe TEXT NOT NULL, meta TEXT NOT NULL,"
    " first_chunk INTEGER NOT NULL, chunks INTEGER NOT NULL,"
    " truncated INTEGER NOT NULL, split INTEGER NOT NULL, averaged INTEGER NOT NULL,"
    " tokens INTEGER NOT NULL, text_bytes INTEGER NOT NULL, chunk_keys TEXT NOT NULL,"
    " checksum TEXT NOT NULL) STRICT",
    "CREATE TABLE segments(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
    " bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, dimension INTEGER NOT NULL,"
    " metric TEXT NOT NULL, count INTEGER NOT NULL, generation INTEGER NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, search_index TEXT NOT NULL,"
    " dead INTEGER NOT NULL, dead_digest TEXT NOT NULL, checksum TEXT NOT NULL) STRICT",
    "CREATE TABLE chunks(id INTEGER PRIMARY KEY,"
    " document INTEGER NOT NULL REFERENCES documents(id), number INTEGER NOT NULL,"
    " start INTEGER NOT NULL, end INTEGER NOT NULL, line INTEGER NOT NULL, text TEXT NOT NULL,"
    " text_key INTEGER NOT NULL, meta TEXT NOT NULL,"
    " tokens INTEGER NOT NULL, fit INTEGER NOT NULL,"
    " checksum TEXT NOT NULL) STRICT",
    "CREATE TABLE tombstones(segment INTEGER NOT NULL REFERENCES segments(id),"
    " chunk INTEGER NOT NULL, PRIMARY KEY(segment, chunk)) STRICT, WITHOUT ROWID",
    "CREATE UNIQUE INDEX chunks_of_document ON chunks(document, number)",
    "CREATE INDEX chunks_of_text ON chunks(text_key)"};

std::string checksum_of(const std::map<std::string, std::string>& settings) {
  RowChecksum checksum("settings");
  for (const auto& [key, value] : settings) checksum.add(key).add(value);
  return checksum.hex();
}

std::int64_t pragma(Database& database, const std::string& name) {
  Statement statement = database.query("PRAGMA " + name);
  return statement.step() ? statement.integer(0) : 0;
}

}  // namespace

void create_schema(Database& database, const StoreSettings& settings, const std::string& store_id) {
  database.query("PRAGMA page_size=" + std::to_string(k_catalogue_page)).run();
  Transaction transaction(database);
  database.query("PRAGMA application_id=" + std::to_string(k_application_id)).run();
  database.query("PRAGMA user_version=" + std::to_string(k_store_format)).run();
  for (const std::string_view sql : k_statements) database.query(sql).run();

  std::map<std::string, std::string> values = {{"store", store_id},
                                               {"model", settings.model},
                                               {"fingerprint", settings.fingerprint},
                                               {"precision", settings.precision},
                                               {"dimension", std::to_string(settings.dimension)}};
  values.emplace("checksum", checksum_of(values));
  for (const auto& [key, value] : values) {
    database.query("INSERT INTO settings VALUES(?, ?)", key, value).run();
  }
  const StateRow state;
  database.query("INSERT INTO state VALUES(1, 0, 0, 0, 1, 1, 1, ?)", vecdb::checksum_of(state))
      .run();
  transaction.commit();
}

void check_schema(Database& database) {
  if (pragma(database, "application_id") != k_application_id) {
    throw damaged(database.file(), "is not a vecdb catalogue");
  }
  const std::int64_t format = pragma(database, "user_version");
  if (format != k_store_format) throw of_other_format(database.file(), std::to_string(format));

  std::string expected;
  for (const std::string_view sql : k_statements) expected.append(sql).append("\n");
  std::string found;
  Statement statement =
      database.query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid");
  while (statement.step()) found.append(statement.text(0)).append("\n");
  if (found != expected) {
    throw damaged(database.file(),
                  "its tables are not those of format " + std::to_string(k_store_format));
  }
}

FixedSettings read_settings(Database& database) {
  std::map<std::string, std::string> values;
  Statement statement = database.query("SELECT key, value FROM settings");
  while (statement.step()) values.emplace(statement.text(0), statement.text(1));
  const std::string checksum = values["checksum"];
  values.erase("checksum");
  if (checksum != checksum_of(values)) {
    throw damaged(database.file(), "the checksum of the settings does not match");
  }
  FixedSettings fixed{.settings = {.model = values["model"],
                                   .fingerprint = values["fingerprint"],
                                   .precision = values["precision"],
                                   .dimension = 0},
                      .store_id = values["store"]};
  const std::string& digits = values["dimension"];
  std::from_chars(digits.data(), digits.data() + digits.size(), fixed.settings.dimension);
  return fixed;
}

}  // namespace vecdb
