#include "store/compaction.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <numeric>

#include "base/error.h"
#include "store/store.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

namespace fs = std::filesystem;

SegmentRow rows_of(std::int64_t count, std::size_t dead = 0) {
  SegmentRow row;
  row.count = count;
  row.dead.resize(dead);
  std::iota(row.dead.begin(), row.dead.end(), 1);
  return row;
}

bool is_due(const std::vector<SegmentRow>& segments, std::size_t first, std::size_t count) {
  const SegmentRun run = due_compaction(segments);
  CAPTURE(run.first, run.count);
  return run.count == count && (count == 0 || run.first == first);
}

}  // namespace

TEST_CASE("a segment is written anew when a quarter of it is dead") {
  CHECK(is_due({}, 0, 0));
  CHECK(is_due({rows_of(100)}, 0, 0));
  CHECK(is_due({rows_of(100), rows_of(100, 24)}, 0, 0));
  CHECK(is_due({rows_of(100), rows_of(100, 25)}, 1, 1));
  CHECK(is_due({rows_of(1)}, 0, 0));
  CHECK(is_due({rows_of(5, 1)}, 0, 0));
  CHECK(is_due({rows_of(5, 2)}, 0, 1));
}

TEST_CASE("eight segments of one magnitude become one, larger ones stay") {
  std::vector<SegmentRow> segments(7, rows_of(500));
  CHECK(is_due(segments, 0, 0));
  segments.push_back(rows_of(500));
  CHECK(is_due(segments, 0, 8));
  segments.insert(segments.begin(), rows_of(1'000'000));
  CHECK(is_due(segments, 1, 8));
  segments.push_back(rows_of(3));
  CHECK(is_due(segments, 1, 9));
  segments.erase(segments.begin() + 1);
  CHECK(is_due(segments, 0, 0));
}

TEST_CASE("the copying that commits of one size bring about is logarithmic") {
  std::vector<SegmentRow> segments;
  std::int64_t copied = 0;
  std::size_t most = 0;
  constexpr std::int64_t k_commits = 4096;
  for (std::int64_t i = 0; i < k_commits; ++i) {
    segments.push_back(rows_of(512));
    for (SegmentRun run = due_compaction(segments); run.count > 0; run = due_compaction(segments)) {
      std::int64_t sum = 0;
      const auto first = segments.begin() + static_cast<std::ptrdiff_t>(run.first);
      const auto last = first + static_cast<std::ptrdiff_t>(run.count);
      for (auto segment = first; segment != last; ++segment) sum += segment->count;
      copied += sum;
      *first = rows_of(sum);
      segments.erase(first + 1, last);
    }
    most = std::max(most, segments.size());
  }
  CHECK(copied <= 4 * 512 * k_commits);  // log8(4096) = 4
  CHECK(most <= 5 * 7);
}

TEST_CASE("many commits leave few segments and every document") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  std::vector<NewDocument> documents;
  for (unsigned i = 0; i < 100; ++i) {
    documents.push_back(make_document("d" + std::to_string(i), 1 + i % 5, i));
    writer.commit(std::span(documents).last(1), {});
    CHECK(segment_files(folder.path()).size() <= 14);
  }
  check_documents(StoreReader(folder.path()), documents);
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("deleting much gives the room back by itself") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  std::vector<NewDocument> documents;
  for (unsigned i = 0; i < 10; ++i) {
    documents.push_back(make_document("d" + std::to_string(i), 10, i));
  }
  writer.commit(documents, {});
  writer.commit({}, std::vector<std::string>{"d2", "d5"});
  CHECK(StoreReader(folder.path()).stats().dead_rows == 20);
  writer.commit({}, std::vector<std::string>{"d9"});
  CHECK(StoreReader(folder.path()).stats().dead_rows == 0);
  for (const int gone : {9, 5, 2}) documents.erase(documents.begin() + gone);
  check_documents(StoreReader(folder.path()), documents);
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("compaction makes one segment of the live rows and lets readers finish") {
  const TemporaryFolder folder;
  std::vector<NewDocument> documents;
  auto writer = make_store(folder.path());
  for (unsigned i = 0; i < 5; ++i) {
    documents.push_back(make_document("d" + std::to_string(i), 6, i));
    documents.push_back(make_document("e" + std::to_string(i), 1, i));
    writer.commit(std::span(documents).last(2), {});
  }
  writer.commit({}, std::vector<std::string>{"e3"});
  documents.erase(documents.begin() + 7);
  const StoreReader before(folder.path());
  const auto id = before.chunks_of("d4")[2].id;
  REQUIRE(writer.compact());
  const StoreReader after(folder.path());
  CHECK(segment_files(folder.path()).size() == 1);
  CHECK(after.stats().segments == 1);
  CHECK(after.stats().dead_rows == 0);
  CHECK(after.chunks_of("d4")[2].id == id);
  check_documents(before, documents);
  check_documents(after, documents);
  const auto generation = after.stats().generation;
  REQUIRE(writer.compact());  // there is nothing left to do
  CHECK(StoreReader(folder.path()).stats().generation == generation);
  writer.commit(std::vector{make_document("new", 3, 9)}, {});
  documents.push_back(make_document("new", 3, 9));
  check_documents(StoreReader(folder.path()), documents);
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("compaction shrinks the catalogue of a store that lost nearly all") {
  const TemporaryFolder folder;
  {
    auto writer = make_store(folder.path());
    writer.commit(std::vector{make_document("large", 3000, 1), make_document("small", 1, 2)}, {});
  }
  const auto before = fs::file_size(folder.path() / "catalog.db");
  {
    auto writer = make_store(folder.path());
    writer.commit({}, std::vector<std::string>{"large"});
    REQUIRE(writer.compact());
  }
  CHECK(fs::file_size(folder.path() / "catalog.db") < before / 4);
  check_documents(StoreReader(folder.path()), {make_document("small", 1, 2)});
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("damaged vectors are never written anew") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(std::vector{make_document("a", 5, 1)}, {});
  writer.commit(std::vector{make_document("b", 5, 2)}, {});
  const fs::path file = segment_files(folder.path()).front();
  std::string bytes = read_all(file);
  bytes[100] = static_cast<char>(bytes[100] ^ 4);
  write_all(file, bytes);
  try {
    writer.compact();
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_damaged);
    CHECK_THAT(error.what(), Catch::Contains(file.filename().string()));
  }
  CHECK(segment_files(folder.path()).size() == 2);
  CHECK(read_all(file) == bytes);
}
