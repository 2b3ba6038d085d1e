#include "store/store.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "store_fixture.h"

using namespace vecdb;
using namespace std::string_literals;

namespace {

namespace fs = std::filesystem;

template <typename Action>
void check_error(ErrorKind kind, const std::string& part, const Action& action) {
  try {
    action();
    FAIL("no error");
  } catch (const Error& error) {
    CAPTURE(error.what());
    CHECK(error.kind() == kind);
    CHECK_THAT(error.what(), Catch::Contains(part));
  }
}

}  // namespace

TEST_CASE("a new store keeps its settings and is empty") {
  const TemporaryFolder folder;
  CHECK_FALSE(is_store(folder.path()));
  make_store(folder.path());
  CHECK(is_store(folder.path()));
  const StoreReader reader(folder.path());
  CHECK(reader.settings() == k_settings);
  CHECK(reader.documents().empty());
  CHECK(reader.stats().generation == 0);
  CHECK(reader.propose(random_unit(1), 5).empty());
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("an existing store keeps the settings that it was made with") {
  const TemporaryFolder folder;
  make_store(folder.path());
  StoreSettings other = k_settings;
  other.model = "another";
  other.dimension = 99;
  CHECK(make_store(folder.path(), other).settings() == k_settings);
}

TEST_CASE("what is committed is read back as it was given") {
  const TemporaryFolder folder;
  const std::string strange = "\xff nul\0 \n'\""s;
  const std::vector<NewDocument> documents = {make_document("b", 4, 1), make_document("a", 2, 2),
                                              make_document("empty", 0, 3),
                                              make_document(strange, 1, 4)};
  make_store(folder.path()).commit(documents, {});
  const StoreReader reader(folder.path());
  check_documents(reader, documents);
  const StoreStats stats = reader.stats();
  CHECK(stats.generation == 1);
  CHECK(stats.chunks == 7);
  CHECK(stats.fits == FitCounts{.truncated = 2, .split = 1, .averaged = 1});
  CHECK(stats.tokens == 3 + 4 + 5 + 6 + 3 + 4 + 3);
  CHECK(stats.segments == 1);
  CHECK(stats.disk_bytes > 0);
  CHECK(reader.documents()[0].record.uri == "a");
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("a document of a known uri replaces the old one") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(std::vector{make_document("a", 3, 1), make_document("b", 20, 2)}, {});
  const auto old_id = StoreReader(folder.path()).chunks_of("a")[0].id;
  writer.commit(std::vector{make_document("a", 4, 3)}, {});
  REQUIRE(writer.find_document("a"));
  CHECK(writer.find_document("a")->record == make_document("a", 4, 3).record);
  const StoreReader reader(folder.path());
  check_documents(reader, {make_document("a", 4, 3), make_document("b", 20, 2)});
  CHECK(reader.stats().dead_rows == 3);
  CHECK_FALSE(reader.find_chunk(old_id));
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("removed documents are gone, unknown ones are ignored, numbers are not used again") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(std::vector{make_document("a", 3, 1), make_document("b", 2, 2)}, {});
  writer.commit({}, std::vector<std::string>{"b", "unknown"});
  CHECK_FALSE(writer.find_document("b"));
  check_documents(StoreReader(folder.path()), {make_document("a", 3, 1)});
  writer.commit(std::vector{make_document("c", 1, 3)}, {});
  CHECK(StoreReader(folder.path()).chunks_of("c")[0].id == 6);
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("a segment without live rows is removed") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(std::vector{make_document("a", 3, 1)}, {});
  writer.commit(std::vector{make_document("b", 2, 2)}, {});
  CHECK(segment_files(folder.path()).size() == 2);
  writer.commit({}, std::vector<std::string>{"a"});
  CHECK(segment_files(folder.path()).size() == 1);
  check_documents(StoreReader(folder.path()), {make_document("b", 2, 2)});
  writer.commit({}, std::vector<std::string>{"b"});
  CHECK(segment_files(folder.path()).empty());
  check_documents(StoreReader(folder.path()), {});
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("a commit of nothing makes no generation") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit({}, {});
  writer.commit({}, std::vector<std::string>{"unknown"});
  CHECK(StoreReader(folder.path()).stats().generation == 0);
}

TEST_CASE("a commit that makes no sense is refused and changes nothing") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  const auto refuse = [&](const std::vector<NewDocument>& documents,
                          const std::vector<std::string>& removed, const std::string& why) {
    check_error(ErrorKind::k_usage, why, [&] { writer.commit(documents, removed); });
  };
  NewDocument wrong = make_document("wrong", 2, 1);
  refuse({wrong, wrong}, {}, "wrong: is there twice");
  refuse({wrong}, {"wrong"}, "twice");
  wrong.vectors.pop_back();
  refuse({wrong}, {}, "13 floats");
  for (const float bad : {0.0f, 5.0f, NAN, INFINITY}) {
    wrong = make_document("wrong", 2, 1);
    wrong.vectors[8] = bad;
    refuse({make_document("a", 1, 1), wrong}, {}, "vector of chunk 1 is not of unit length");
  }
  CHECK(segment_files(folder.path()).empty());
  check_documents(StoreReader(folder.path()), {});
  CHECK_NOTHROW(writer.commit(std::vector{make_document("a", 1, 1)}, {}));
}

TEST_CASE("a reader stays on its generation while a writer goes on") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(std::vector{make_document("a", 3, 1), make_document("b", 2, 2)}, {});
  const StoreReader first(folder.path());
  writer.commit(std::vector{make_document("a", 4, 3)}, {});
  const StoreReader second(folder.path());
  writer.commit({}, std::vector<std::string>{"b"});  // the first segment's file goes
  const StoreReader third(folder.path());
  check_documents(first, {make_document("a", 3, 1), make_document("b", 2, 2)});
  check_documents(second, {make_document("a", 4, 3), make_document("b", 2, 2)});
  check_documents(third, {make_document("a", 4, 3)});
}

TEST_CASE("a store outlives many writers") {
  const TemporaryFolder folder;
  std::vector<NewDocument> documents;
  for (unsigned i = 0; i < 12; ++i) {
    documents.push_back(make_document("d" + std::to_string(i), i % 3, i));
    make_store(folder.path()).commit(std::span(documents).last(1), {});
  }
  check_documents(StoreReader(folder.path()), documents);
  CHECK(StoreReader(folder.path()).stats().generation >= 12);
  CHECK(fs::file_size(folder.path() / "catalog.db-wal") == 0);
}

TEST_CASE("a second writer is told who holds the store") {
  const TemporaryFolder folder;
  const auto writer = make_store(folder.path());
  const auto message = "is being changed by process " + std::to_string(::getpid()) + " (";
  check_error(ErrorKind::k_busy, message, [&] { make_store(folder.path()); });
  check_error(ErrorKind::k_busy, message, [&] { StoreWriter::open(folder.path(), 0.1, nullptr); });
}

TEST_CASE("a path that holds no store is an error and stays as it is") {
  const TemporaryFolder folder;
  const auto open_reader = [&] { StoreReader reader(folder.path()); };
  const auto open_writer = [&] { StoreWriter::open(folder.path(), 0, nullptr); };
  const auto create = [&] { make_store(folder.path()); };
  const auto verify = [&] { verify_store(folder.path()); };
  const auto check_all = [&] {
    CHECK_FALSE(is_store(folder.path()));
    check_error(ErrorKind::k_io, "holds no vecdb store", open_reader);
    check_error(ErrorKind::k_io, "holds no vecdb store", open_writer);
    check_error(ErrorKind::k_io, "holds no vecdb store", verify);
  };
  check_all();
  CHECK_FALSE(fs::exists(folder.path()));

  fs::create_directory(folder.path());
  check_all();
  CHECK(fs::is_empty(folder.path()));

  write_all(folder.path() / "HEAD", "ref: refs/heads/main\n");
  write_all(folder.path() / "notes.txt", "mine");
  check_all();
  check_error(ErrorKind::k_io, "but other files", create);
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 2);

  fs::remove_all(folder.path());
  write_all(folder.path(), "a file");
  check_all();
  check_error(ErrorKind::k_io, "not a folder", create);
  CHECK(read_all(folder.path()) == "a file");
}

TEST_CASE("a creation that was cut short is finished by the next writer") {
  const TemporaryFolder folder;
  make_store(folder.path());
  for (const char* name : {"catalog.db", "catalog.db-wal", "catalog.db-shm"}) {
    fs::remove(folder.path() / name);
  }
  write_all(folder.path() / "catalog.db.tmp-123", "half");
  check_error(ErrorKind::k_io, "only the beginning", [&] { StoreReader reader(folder.path()); });
  make_store(folder.path()).commit(std::vector{make_document("a", 3, 1)}, {});
  check_documents(StoreReader(folder.path()), {make_document("a", 3, 1)});
  CHECK_FALSE(fs::exists(folder.path() / "catalog.db.tmp-123"));
}

TEST_CASE("a writer sweeps what no commit names, and nothing else") {
  const TemporaryFolder folder;
  make_store(folder.path()).commit(std::vector{make_document("a", 3, 1)}, {});
  const fs::path segments = folder.path() / "segments";
  for (const char* name : {"000002-0123abcd.faiss", "000002-0123abcd.faiss.tmp-77"}) {
    write_all(segments / name, "cut short");
  }
  write_all(folder.path() / "HEAD.tmp-77", "cut short");
  write_all(segments / "mine.faiss", "not ours");
  write_all(folder.path() / "notes.txt", "not ours");
  std::vector<std::string> notices;
  const Notice notice = [&](const std::string& line) { notices.push_back(line); };
  StoreWriter::open(folder.path(), 0, notice);
  REQUIRE(notices.size() == 1);
  CHECK_THAT(notices[0], Catch::Contains("removed 3 files that no commit names"));
  CHECK(segment_files(folder.path()).size() == 2);
  CHECK(fs::exists(segments / "mine.faiss"));
  CHECK(fs::exists(folder.path() / "notes.txt"));
  StoreWriter::open(folder.path(), 0, notice);
  CHECK(notices.size() == 1);
  check_documents(StoreReader(folder.path()), {make_document("a", 3, 1)});
}

TEST_CASE("a commit whose HEAD was not written is kept and healed by the next writer") {
  const TemporaryFolder folder;
  auto documents = std::vector{make_document("a", 3, 1)};
  make_store(folder.path()).commit(documents, {});
  const std::string old_head = read_all(folder.path() / "HEAD");
  documents.push_back(make_document("b", 2, 2));
  make_store(folder.path()).commit(std::span(documents).last(1), {});
  const std::string new_head = read_all(folder.path() / "HEAD");
  write_all(folder.path() / "HEAD", old_head);
  check_documents(StoreReader(folder.path()), documents);
  CHECK(verify_store(folder.path()).empty());
  StoreWriter::open(folder.path(), 0, nullptr);
  CHECK(read_all(folder.path() / "HEAD") == new_head);
}

TEST_CASE("a long write-ahead log is emptied once no reader stands in the way") {
  const TemporaryFolder folder;
  const fs::path log = folder.path() / "catalog.db-wal";
  StoreWriter writer = make_store(folder.path());
  NewDocument document = make_document("a", 1, 1);
  writer.commit(std::span(&document, 1), {});
  const auto short_log = fs::file_size(log);
  writer.shorten_log();
  CHECK(fs::file_size(log) == short_log);

  auto reader = std::make_optional<StoreReader>(folder.path());
  document.chunks.front().chunk.text = std::string(std::size_t{65} << 20U, 'x');
  document.record.uri = "b";
  writer.commit(std::span(&document, 1), {});
  const auto long_log = fs::file_size(log);
  REQUIRE(long_log > document.chunks.front().chunk.text.size());
  writer.shorten_log();
  CHECK(fs::file_size(log) == long_log);
  CHECK(reader->documents().size() == 1);
  reader.reset();
  writer.shorten_log();
  CHECK(fs::file_size(log) == 0);
  CHECK(StoreReader(folder.path()).documents().size() == 2);
}
