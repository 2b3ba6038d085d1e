#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "../fuzz/sign_rows.h"
#include "base/error.h"
#include "base/sha256.h"
#include "store/ivf_index.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store_fixture.h"

// What a writer with a fault, or an enemy, could have recorded: everything has the checksum that
// fits.

using namespace vecdb;

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t k_most = INT64_MAX;
constexpr std::int64_t k_least = INT64_MIN;

// Two segments, the first with an index and dead rows; can be put back to what it was.
class Sample {
 public:
  Sample() {
    auto writer = make_store(path());
    writer.commit(std::vector{make_document("a", 30, 1), make_document("b", 4, 2)}, {});
    REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
    writer.commit(std::vector{make_document("c", 5, 3), make_document("d", 9, 4)}, {});
    writer.commit({}, std::vector<std::string>{"b"});
  }

  fs::path path() const { return m_folder.path(); }

  void restore() {
    if (m_catalogue.empty()) m_catalogue = read_all(path() / "catalog.db");
    for (const char* name : {"catalog.db-wal", "catalog.db-shm"}) fs::remove(path() / name);
    write_all(path() / "catalog.db", m_catalogue);
  }

 private:
  TemporaryFolder m_folder;
  std::string m_catalogue;
};

// `values` are those of the parameters in it.
template <typename... Values>
void change_signed(const fs::path& store, const std::string& change, const Values&... values) {
  Database database(store / "catalog.db", OpenMode::k_write);
  database.query("PRAGMA foreign_keys=OFF").run();
  database.query("UPDATE " + change, values...).run();
  fuzz::sign_rows(database);
}

void ask_everything(const fs::path& store) {
  const StoreReader reader(store);
  const ChunkRanges most{{1, 20}, {22, 60}};
  for (const DocumentSummary& document : reader.documents()) {
    reader.chunks_of(document.record.uri);
  }
  reader.stats();
  for (const double recall : {0.5, 1.0}) {
    for (const ChunkRanges* among : {static_cast<const ChunkRanges*>(nullptr), &most}) {
      const SearchEffort effort{.lists = {}, .recall = recall};
      for (const auto& each : reader.propose(random_unit(1), 100, among, effort)) {
        reader.chunk_of_vector(each.chunk);
        reader.vector_of(each.chunk);
      }
    }
  }
}

void check_refused(const fs::path& store) {
  try {
    ask_everything(store);
    FAIL_CHECK("no error");
  } catch (const Error& error) {
    CAPTURE(error.what());
    CHECK(error.kind() == ErrorKind::k_damaged);
    CHECK_THAT(error.what(), Catch::Contains("vecdb "));
  }
  CHECK_FALSE(verify_store(store).empty());
}

template <typename T>
void put(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

IvfRow index_row_of(const fs::path& store) {
  Database database(store / "catalog.db", OpenMode::k_read);
  Statement statement =
      database.query("SELECT id, count, search_index FROM segments ORDER BY id LIMIT 1");
  REQUIRE(statement.step());
  SegmentRow row;
  row.id = statement.integer(0);
  row.count = statement.integer(1);
  row.index = statement.text(2);
  return parse_ivf_row(row, "catalog.db");
}

// Puts a file in an index's place, as if the writer had made that one.
void replace_index(const fs::path& store, const std::string& bytes) {
  IvfRow row = index_row_of(store);
  row.bytes = to_signed(bytes.size());
  row.sha256 = sha256_hex(bytes);
  row.name = row.name.substr(0, 7) + row.sha256.substr(0, 8) + ".ivf";
  write_all(store / "segments" / row.name, bytes);
  Database database(store / "catalog.db", OpenMode::k_write);
  database.query("UPDATE segments SET search_index=? WHERE search_index<>''", to_text(row)).run();
  fuzz::sign_rows(database);
}

}  // namespace

TEST_CASE("a number that cannot be true is damage, whatever checksum it has") {
  Sample sample;
  for (const std::string column :
       {"segments SET count", "segments SET dimension", "segments SET bytes", "segments SET first",
        "segments SET last", "documents SET chunks", "documents SET first_chunk",
        "documents SET truncated", "documents SET tokens", "documents SET text_bytes",
        "state SET generation", "state SET documents", "state SET segments", "chunks SET fit",
        "chunks SET tokens", "chunks SET number", "tombstones SET chunk"}) {
    const std::string table = column.substr(0, column.find(' '));
    const std::string key = table == "tombstones" ? "chunk" : "id";
    for (const std::int64_t number : {std::int64_t{-1}, k_least, k_least + 1}) {
      CAPTURE(column, number);
      sample.restore();
      change_signed(sample.path(),
                    column + "=? WHERE " + key + "=(SELECT min(" + key + ") FROM " + table + ")",
                    number);
      check_refused(sample.path());
    }
  }
}

TEST_CASE("a number at which a sum or a product overflows is damage") {
  Sample sample;
  for (const std::string column :
       {"segments SET count", "segments SET dimension", "segments SET bytes", "documents SET chunks",
        "documents SET first_chunk", "documents SET averaged", "state SET segments",
        "chunks SET fit", "chunks SET tokens"}) {
    const std::string table = column.substr(0, column.find(' '));
    for (const std::int64_t number :
         {k_most, k_most - 1, std::int64_t{1} << 61U, std::int64_t{4'294'967'297}}) {
      CAPTURE(column, number);
      sample.restore();
      change_signed(sample.path(), column + "=? WHERE id=(SELECT max(id) FROM " + table + ")",
                    number);
      check_refused(sample.path());
    }
  }
}

TEST_CASE("a segment of another dimension than the store's is not searched") {
  const Sample folder;
  change_signed(folder.path(), "settings SET value='70' WHERE key='dimension'");
  try {
    StoreReader(folder.path()).propose(random_unit(1, 70), 1);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_damaged);
  }
}

TEST_CASE("a description of an index that cannot be true is damage") {
  Sample sample;
  for (const std::string change :
       {"'$.name', '../../catalog.db'", "'$.name', '000002-00000000.ivf'", "'$.lists', -1",
        "'$.lists', 0", "'$.lists', 1e300", "'$.lists', 35", "'$.bytes', -1", "'$.bytes', 1.5",
        "'$.sha256', ''", "'$.codes', 'pq'", "'$.kind', 'hnsw'", "'$.recall[0][0]', 0",
        "'$.recall[0][0]', -1", "'$.recall[0][0]', 1e19", "'$.recall[0][1]', 2", "'$.recall', 7"}) {
    CAPTURE(change);
    sample.restore();
    change_signed(sample.path(), "segments SET search_index=json_set(search_index, " + change +
                                     ") WHERE search_index<>''");
    check_refused(sample.path());
  }
}

TEST_CASE("FAISS is given no index file with another field or length than ours have") {
  const TemporaryFolder folder;
  const auto codes = GENERATE(VectorCodes::k_f32, VectorCodes::k_f16, VectorCodes::k_sq8);
  {
    auto writer = make_store(folder.path());
    writer.commit(std::vector{make_document("a", 30, 1)}, {});
    REQUIRE(writer.compact({.index = IndexKind::k_ivf, .codes = codes}));
  }
  const IvfRow row = index_row_of(folder.path());
  const std::string sound = read_all(folder.path() / "segments" / row.name);
  const std::size_t quantizer = 4 + 33 + 16;  // the kind, an index's fields, lists and probes
  const std::size_t floats = quantizer + 4 + 33;
  const std::size_t map = floats + 8 + static_cast<std::size_t>(row.lists) * 4 * 7;
  std::vector<std::string> files(13, sound);
  put(files[0], floats, std::uint64_t{1} << 39U);  // two terabytes, which FAISS would ask for
  put(files[1], map + 1, std::uint64_t{1} << 37U);
  put(files[2], 4, std::int32_t{-7});
  put(files[3], 8, std::int64_t{1} << 62U);
  put(files[4], 37, std::uint64_t{1} << 60U);
  put(files[5], quantizer + 4, std::int32_t{3});      // centroids of another dimension
  put(files[6], quantizer + 8, std::int64_t{1'000});  // more of them than lists
  files[7].replace(quantizer, 4, "IHNf");
  files[8].replace(0, 4, "IxMp");
  put(files[9], map, std::uint8_t{2});
  files[10].resize(sound.size() - 1);
  files[11] += std::string(8, '\0');
  files[12].resize(map);
  for (std::size_t i = 0; i < files.size(); ++i) {
    CAPTURE(i);
    replace_index(folder.path(), files[i]);
    check_refused(folder.path());
  }
  replace_index(folder.path(), sound);
  ask_everything(folder.path());
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("row numbers in an index that the segment lacks are never looked up") {
  const TemporaryFolder folder;
  {
    auto writer = make_store(folder.path());
    writer.commit(std::vector{make_document("a", 60, 1)}, {});
    REQUIRE(writer.compact({.index = IndexKind::k_ivf, .codes = VectorCodes::k_f32}));
  }
  const IvfRow row = index_row_of(folder.path());
  std::string bytes = read_all(folder.path() / "segments" / row.name);
  // The last eight bytes are the number of the last list's last row.
  put(bytes, bytes.size() - 8, GENERATE(as<std::int64_t>{}, 60, -1, k_most, k_least, 1 << 30));
  replace_index(folder.path(), bytes);
  const StoreReader reader(folder.path());
  const ChunkRanges most{{1, 50}, {55, 60}};
  for (const ChunkRanges* among : {static_cast<const ChunkRanges*>(nullptr), &most}) {
    for (const auto& each : reader.propose(random_unit(3), 100, among, {.lists = 1000})) {
      CHECK(reader.chunk_of_vector(each.chunk).document.uri == "a");
    }
  }
  CHECK_FALSE(verify_store(folder.path()).empty());
}
