#include "store/chroma_reader.h"

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/utf8.h"
#include "store/sqlite.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view k_text_key = "chroma:document";

// Chroma's numbers of operations in the queue.
constexpr std::int64_t k_delete = 3;

// In the order of ChromaReader::next().
constexpr const char* k_records =
    "SELECT e.id, e.embedding_id, s.string_value FROM embeddings e"
    " LEFT JOIN embedding_metadata s"
    " ON s.id=e.id AND s.key='source' AND s.string_value IS NOT NULL"
    " WHERE e.segment_id IN (SELECT id FROM segments WHERE collection=? AND scope='METADATA')"
    " ORDER BY s.string_value IS NULL, s.string_value, e.id";

// Without a lock only where nobody can write, as a store's catalogue.
std::unique_ptr<Database> open(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    throw Error(ErrorKind::k_io, file.string() + ": is not there; name the folder that Chroma's "
                                                 "PersistentClient writes");
  }
  const auto log = fs::file_size(file.string() + "-wal", error);
  const bool has_log = !error && log > 0;
  const bool may_write = ::access(file.parent_path().c_str(), W_OK) == 0;
  const bool is_frozen = !may_write && !has_log;
  auto database =
      std::make_unique<Database>(file, is_frozen ? OpenMode::k_immutable : OpenMode::k_read);
  database->query("BEGIN").run();  // one state of it
  return database;
}

}  // namespace

struct ChromaReader::Impl {
  Impl(const fs::path& folder, const std::optional<std::string>& wanted, Vectors vectors)
      : file(folder / "chroma.sqlite3"), database(open(file)) {
    choose(wanted);
    has_booleans = has_column("embedding_metadata", "bool_value");
    has_arrays = has_column("embedding_metadata_array", "bool_value");
    if (vectors == Vectors::k_read) find_vectors();
    records.emplace(database->query(k_records, id));
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::k_io, file.string() + ": " + why);
  }

  std::string text(const Statement& statement, int column) const {
    std::string value = statement.text(column);
    if (find_invalid_utf8(value)) refuse("holds a text that is not UTF-8");
    return value;
  }

  void choose(const std::optional<std::string>& wanted) {
    std::string known;
    std::size_t count = 0;
    Statement statement = database->query("SELECT id, name FROM collections ORDER BY name, id");
    while (statement.step()) {
      const std::string each = text(statement, 1);
      if (wanted && each != *wanted) {
        known += (known.empty() ? "" : ", ") + each;
        continue;
      }
      known += (known.empty() ? "" : ", ") + each;
      ++count;
      id = text(statement, 0);
      name = each;
    }
    if (count == 1) return;
    if (known.empty()) refuse("holds no collection");
    if (count == 0) {
      throw Error(ErrorKind::k_usage, "--collection " + *wanted + ": is not in " + file.string() +
                                          ", which has " + known);
    }
    throw Error(ErrorKind::k_usage, wanted ? "--collection " + *wanted + ": is in " +
                                                 file.string() + " " + std::to_string(count) +
                                                 " times, in several databases"
                                           : "--collection: is missing: " + file.string() +
                                                 " has several; name one of " + known);
  }

  bool has_column(const std::string& table, const std::string& column) const {
    Statement statement = database->query("PRAGMA table_info(" + table + ")");
    while (statement.step()) {
      if (statement.text(1) == column) return true;
    }
    return false;
  }

  // Which row of the queue has a record's vector: that of the last change which brought one.
  void find_vectors() {
    Statement statement = database->query(
        "SELECT seq_id, operation, topic, id, vector IS NOT NULL FROM embeddings_queue"
        " ORDER BY seq_id");
    const std::string topic_end = "/" + id;
    while (statement.step()) {
      if (pending_interrupt() != 0) return;
      if (!statement.text(2).ends_with(topic_end)) continue;
      if (statement.integer(1) == k_delete) {
        places.erase(statement.text(3));
      } else if (statement.integer(4) != 0) {
        places[statement.text(3)] = statement.integer(0);
      }
    }
  }

  std::vector<float> vector_of(const std::string& record) const {
    const auto place = places.find(record);
    if (place == places.end()) return {};
    Statement statement = database->query(
        "SELECT vector, encoding FROM embeddings_queue WHERE seq_id=?", place->second);
    if (!statement.step() || statement.text(1) != "FLOAT32") return {};
    const std::string bytes = statement.blob(0);
    if (bytes.size() % sizeof(float) != 0) refuse("holds a vector that is cut short");
    std::vector<float> vector(bytes.size() / sizeof(float));
    std::memcpy(vector.data(), bytes.data(), bytes.size());
    return vector;
  }

  // The value in the columns from `first` on: a text, an integer, a number, a truth.
  Json value_of(const Statement& statement, int first) const {
    if (!statement.is_null(first)) return text(statement, first);
    if (has_booleans && !statement.is_null(first + 3)) return statement.integer(first + 3) != 0;
    if (!statement.is_null(first + 1)) return statement.integer(first + 1);
    if (!statement.is_null(first + 2)) {
      const double number = statement.real(first + 2);
      if (std::isfinite(number)) return number;
    }
    return nullptr;
  }

  ChromaRecord record(const Statement& row) const {
    ChromaRecord record;
    const std::int64_t number = row.integer(0);
    record.id = text(row, 1);
    if (!row.is_null(2)) record.source = text(row, 2);
    Json meta = Json::object();
    Statement statement = database->query(
        std::string("SELECT key, string_value, int_value, float_value") +
            (has_booleans ? ", bool_value" : "") +
            " FROM embedding_metadata WHERE id=? ORDER BY key",
        number);
    while (statement.step()) {
      const std::string key = text(statement, 0);
      if (key == k_text_key) {
        if (!statement.is_null(1)) record.text = text(statement, 1);
      } else {
        meta[key] = value_of(statement, 1);
      }
    }
    if (has_arrays) {
      Statement arrays = database->query(
          "SELECT key, string_value, int_value, float_value, bool_value"
          " FROM embedding_metadata_array WHERE id=? ORDER BY key, rowid",
          number);
      while (arrays.step()) {
        Json& array = meta[text(arrays, 0)];
        if (!array.is_array()) array = Json::array();
        array.push_back(value_of(arrays, 1));
      }
    }
    record.meta = dump_json(meta);
    record.vector = vector_of(record.id);
    return record;
  }

  fs::path file;
  std::unique_ptr<Database> database;
  std::string id;  // of the collection
  std::string name;
  bool has_booleans = false;
  bool has_arrays = false;
  std::unordered_map<std::string, std::int64_t> places;  // of vectors: rows of the queue, by id
  std::optional<Statement> records;
};

namespace {

// What SQLite finds wrong with a file that is not a store's.
template <typename Step>
auto translated(const fs::path& folder, const Step& step) {
  try {
    return step();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::k_damaged) throw;
    throw Error(ErrorKind::k_io, (folder / "chroma.sqlite3").string() +
                                     ": is not a database of Chroma that can be read: " +
                                     error.what());
  }
}

}  // namespace

ChromaReader::ChromaReader(const fs::path& folder, const std::optional<std::string>& collection,
                           Vectors vectors)
    : m_impl(translated(folder, [&] {
        return std::make_unique<Impl>(folder, collection, vectors);
      })) {}

ChromaReader::~ChromaReader() = default;

const std::string& ChromaReader::collection() const noexcept { return m_impl->name; }

std::optional<ChromaRecord> ChromaReader::next() {
  return translated(m_impl->file.parent_path(), [&]() -> std::optional<ChromaRecord> {
    auto& records = m_impl->records;
    if (!records || pending_interrupt() != 0) return std::nullopt;
    if (records->step()) return m_impl->record(*records);
    records.reset();  // one more step would begin anew
    return std::nullopt;
  });
}

}  // namespace vecdb
