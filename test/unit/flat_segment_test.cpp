#include <faiss/IndexFlat.h>
#include <faiss/IndexIDMap.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <set>
#include <utility>

#include "base/error.h"
#include "store/store.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

float inner_product(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return static_cast<float>(sum);
}

bool is_among(const ChunkRanges* among, ChunkId chunk) {
  return among == nullptr || std::any_of(among->begin(), among->end(), [chunk](const auto& range) {
           return range.first <= chunk && chunk < range.end;
         });
}

// The scores of all live rows, best first, by the plainest of methods.
std::vector<float> brute_force(const StoreReader& reader, const std::vector<float>& query,
                               const ChunkRanges* among) {
  std::vector<float> scores;
  for (const DocumentSummary& document : reader.documents()) {
    for (const StoredChunk& chunk : reader.chunks_of(document.record.uri)) {
      if (!is_among(among, chunk.id)) continue;
      scores.push_back(inner_product(query, reader.vector_of(chunk.id)));
    }
  }
  std::sort(scores.rbegin(), scores.rend());
  return scores;
}

void check_proposals(const StoreReader& reader, const std::vector<float>& query, std::size_t k,
                     const ChunkRanges* among = nullptr) {
  const std::vector<float> expected = brute_force(reader, query, among);
  const std::vector<Proposal> found = reader.propose(query, k, among);
  REQUIRE(found.size() == std::min(k, expected.size()));
  std::set<ChunkId> chunks;
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].score == Approx(expected[i]).margin(1e-5));
    CHECK(inner_product(query, reader.vector_of(found[i].chunk)) ==
          Approx(found[i].score).margin(1e-5));
    CHECK(chunks.insert(found[i].chunk).second);
    CHECK(is_among(among, found[i].chunk));
    CHECK_NOTHROW(reader.chunk_of_vector(found[i].chunk));
  }
}

}  // namespace

TEST_CASE("a segment is byte for byte what FAISS writes") {
  const TemporaryFolder folder;
  const NewDocument first = make_document("a", 3, 1);
  const NewDocument second = make_document("b", 2, 2);
  make_store(folder.path()).commit(std::vector{first, second}, {});

  faiss::IndexFlatIP flat(k_settings.dimension);
  faiss::IndexIDMap index(&flat);
  const faiss::Index::idx_t ids[] = {1, 2, 3, 4, 5};
  index.add_with_ids(3, first.vectors.data(), ids);
  index.add_with_ids(2, second.vectors.data(), ids + 3);
  faiss::VectorIOWriter writer;
  faiss::write_index(&index, &writer);
  const std::string expected(writer.data.begin(), writer.data.end());
  REQUIRE(segment_files(folder.path()).size() == 1);
  CHECK(read_all(segment_files(folder.path())[0]) == expected);
}

TEST_CASE("proposals equal a brute-force search") {
  for (const std::size_t dimension : {1, 3, 16, 33, 384}) {
    const TemporaryFolder folder;
    StoreSettings settings = k_settings;
    settings.dimension = dimension;
    auto writer = make_store(folder.path(), settings);
    for (unsigned i = 0; i < 4; ++i) {
      const auto uri = std::string(1, static_cast<char>('a' + i));
      writer.commit(std::vector{make_document(uri, 80 + i, i, dimension),
                                make_document(uri + "2", 20, i + 10, dimension)},
                    {});
    }
    writer.commit({}, std::vector<std::string>{"b2", "c2"});
    writer.commit(std::vector{make_document("a2", 5, 50, dimension)}, {});
    const StoreReader reader(folder.path());
    CHECK(reader.stats().dead_rows == 20 + 20 + 20);
    for (const std::size_t k : {0, 1, 7, 99, 320, 350, 1000}) {
      check_proposals(reader, random_unit(static_cast<unsigned>(900 + k), dimension), k);
    }
  }
}

TEST_CASE("proposals among some chunks equal a brute-force search of those") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  for (unsigned i = 0; i < 3; ++i) {
    const auto uri = std::string(1, static_cast<char>('a' + i));
    writer.commit(std::vector{make_document(uri, 500 + i, i), make_document(uri + "2", 20, i + 10),
                              make_document(uri + "3", 200, i + 20)},
                  {});
  }
  const auto check = [&](const StoreReader& reader, std::mt19937 random) {
    // From a single row to nearly all of them, in one range or in many.
    for (const ChunkId step : {1, 7, 300, 3000}) {
      for (const ChunkId length : {1, 5, 2500}) {
        ChunkRanges among;
        for (ChunkId at = 0; at < 2400;) {
          at += 1 + static_cast<ChunkId>(random()) % step;
          const ChunkId end = at + 1 + static_cast<ChunkId>(random()) % length;
          among.push_back({at, end});
          at = end + 1;
        }
        for (const std::size_t k : {1, 30, 5000}) {
          check_proposals(reader, random_unit(static_cast<unsigned>(k)), k, &among);
        }
      }
    }
  };
  std::mt19937 random(11);
  check(StoreReader(folder.path()), random);
  writer.commit(std::vector{make_document("a2", 30, 50)}, std::vector<std::string>{"b2", "c"});
  CHECK(StoreReader(folder.path()).stats().dead_rows > 0);
  check(StoreReader(folder.path()), random);
  writer.compact();
  check(StoreReader(folder.path()), random);
}

TEST_CASE("one row in ten thousand is found, though it is the farthest") {
  const TemporaryFolder folder;
  NewDocument document = make_document("a", 20'001, 1);
  const std::vector<float> query = random_unit(5);
  const std::set<std::size_t> wanted{4321, 15'555};
  for (const std::size_t row : wanted) {
    for (std::size_t i = 0; i < query.size(); ++i)
      document.vectors[row * query.size() + i] = -query[i];
  }
  make_store(folder.path()).commit(std::vector{document}, {});
  const StoreReader reader(folder.path());
  const ChunkRanges among{{4322, 4323}, {15'556, 15'557}};
  const auto found = reader.propose(query, 4, &among);
  REQUIRE(found.size() == 2);
  for (const Proposal& each : found) {
    CHECK(wanted.contains(static_cast<std::size_t>(each.chunk) - 1));
    CHECK(each.score == Approx(-1));
  }
}

TEST_CASE("chunks that are no more are not proposed, though they are asked for") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(std::vector{make_document("a", 50, 1), make_document("b", 5, 2)}, {});
  writer.commit({}, std::vector<std::string>{"b"});
  const StoreReader reader(folder.path());
  CHECK(reader.stats().dead_rows == 5);
  const ChunkRanges dead{{51, 56}};
  const ChunkRanges beyond{{-3, 1}, {56, 90}};
  const ChunkRanges around{{49, 58}};
  const ChunkRanges none;
  for (const ChunkRanges& each : {dead, beyond, none}) {
    CHECK(reader.propose(random_unit(1), 3, &each).empty());
  }
  CHECK(reader.propose(random_unit(1), 30, &around).size() == 2);
}

TEST_CASE("a segment that has none of the chunks is not even checked") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(std::vector{make_document("a", 300, 1)}, {});
  writer.commit(std::vector{make_document("b", 10, 2)}, {});
  const auto files = segment_files(folder.path());
  REQUIRE(files.size() == 2);
  std::string bytes = read_all(files[1]);
  bytes[100] = static_cast<char>(bytes[100] ^ 1);
  write_all(files[1], bytes);
  const StoreReader reader(folder.path());
  const ChunkRanges first{{1, 301}};
  const ChunkRanges both{{1, 302}};
  CHECK(reader.propose(random_unit(1), 400, &first).size() == 300);
  CHECK_THROWS_AS(reader.propose(random_unit(1), 400, &both), Error);
}

TEST_CASE("equal vectors are all proposed, each once") {
  const TemporaryFolder folder;
  NewDocument document = make_document("a", 300, 1);
  const std::vector<float> same = random_unit(5);
  for (std::size_t i = 0; i < document.vectors.size(); ++i) {
    document.vectors[i] = same[i % same.size()];
  }
  make_store(folder.path()).commit(std::vector{document}, {});
  const StoreReader reader(folder.path());
  for (const std::size_t k : {5, 120, 299, 300, 400}) check_proposals(reader, same, k);
}

TEST_CASE("any number of threads proposes the same of a large segment", "[threads]") {
  const TemporaryFolder folder;
  NewDocument document = make_document("a", 40'000, 1);
  // Each vector stands there many times, so that there are ties at every border.
  for (std::size_t i = 0; i < document.vectors.size(); ++i) {
    document.vectors[i] = document.vectors[i % (500 * k_settings.dimension)];
  }
  auto writer = make_store(folder.path());
  writer.commit(std::vector{document, make_document("b", 300, 2)}, {});
  writer.commit({}, std::vector<std::string>{"b"});
  const StoreReader one(folder.path());
  const StoreReader four(folder.path(), 4);
  REQUIRE(one.stats().segments == 1);
  REQUIRE(one.stats().dead_rows == 300);
  const std::vector<float> query = random_unit(7);
  const auto facts_of = [&](const StoreReader& reader, std::size_t k) {
    std::vector<std::pair<float, ChunkId>> facts;
    for (const Proposal& each : reader.propose(query, k))
      facts.emplace_back(each.score, each.chunk);
    return facts;
  };
  for (const std::size_t k : {1, 20, 3000, 50'000}) CHECK(facts_of(one, k) == facts_of(four, k));
  check_proposals(four, query, 3000);
  check_proposals(four, query, 50'000);
}

TEST_CASE("a query of another dimension or without finite values is refused") {
  const TemporaryFolder folder;
  make_store(folder.path()).commit(std::vector{make_document("a", 3, 1)}, {});
  const StoreReader reader(folder.path());
  CHECK_THROWS_AS(reader.propose(random_unit(1, 6), 1), Error);
  CHECK_THROWS_AS(reader.propose(std::vector<float>(7, NAN), 1), Error);
  for (const ChunkId chunk : {-1, 0, 4}) CHECK_THROWS_AS(reader.vector_of(chunk), Error);
}
