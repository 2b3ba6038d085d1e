#include "store/ivf_index.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <set>

#include "base/error.h"
#include "store/store.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_dimension = 16;
constexpr SearchEffort k_exact{.lists = {}, .recall = 1};
const StoreSettings k_wide{
    .model = "toy", .fingerprint = std::string(64, 'f'), .precision = "f32", .dimension = 16};

// Vectors around some centres, as texts are.
std::vector<float> clustered(unsigned seed) {
  std::vector<float> vector = random_unit(seed % 37, k_dimension);
  const std::vector<float> noise = random_unit(seed + 1000, k_dimension);
  float square = 0;
  for (std::size_t i = 0; i < k_dimension; ++i) {
    vector[i] += 0.4F * noise[i];
    square += vector[i] * vector[i];
  }
  for (float& x : vector) x /= std::sqrt(square);
  return vector;
}

NewDocument cluster_document(const std::string& uri, std::size_t chunks, unsigned seed) {
  NewDocument document = make_document(uri, chunks, seed, k_dimension);
  document.vectors.clear();
  for (std::size_t i = 0; i < chunks; ++i) {
    const auto vector = clustered(seed + static_cast<unsigned>(i));
    document.vectors.insert(document.vectors.end(), vector.begin(), vector.end());
  }
  return document;
}

// 40 documents of 50 chunks.
StoreWriter make_clusters(const fs::path& path) {
  auto writer = make_store(path, k_wide);
  std::vector<NewDocument> documents;
  for (unsigned i = 0; i < 40; ++i) {
    documents.push_back(cluster_document("doc" + std::to_string(i), 50, i * 50));
  }
  writer.commit(documents, {});
  return writer;
}

std::vector<ChunkId> ids_of(const std::vector<Proposal>& proposals) {
  std::vector<ChunkId> ids;
  for (const Proposal& each : proposals) ids.push_back(each.chunk);
  return ids;
}

std::vector<fs::path> index_files(const fs::path& store) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(store / "segments")) {
    if (entry.path().extension() == ".ivf") files.push_back(entry.path());
  }
  return files;
}

// How many of the ten nearest are found, on average.
double recall(const StoreReader& reader, const SearchEffort& effort,
              const ChunkRanges* among = nullptr) {
  double found = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    const auto query = clustered(5000 + seed * 7);
    const auto exact = ids_of(reader.propose(query, 10, among, k_exact));
    const std::set<ChunkId> wanted(exact.begin(), exact.end());
    for (const ChunkId id : ids_of(reader.propose(query, 10, among, effort))) {
      found += wanted.contains(id) ? 1 : 0;
    }
  }
  return found / 500;
}

ErrorKind kind_of_search(const fs::path& store) {
  try {
    StoreReader(store).propose(clustered(1), 10);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::k_usage;
}

}  // namespace

TEST_CASE("an index over all lists finds what an exact search finds, whatever its codes") {
  const TemporaryFolder folder;
  auto writer = make_clusters(folder.path());
  for (const VectorCodes codes : {VectorCodes::k_f32, VectorCodes::k_f16, VectorCodes::k_sq8}) {
    REQUIRE(writer.compact({.index = IndexKind::k_ivf, .codes = codes}));
    CHECK(index_files(folder.path()).size() == 1);
    const StoreReader reader(folder.path());
    CHECK(reader.stats().indexed == 2000);
    CHECK_FALSE(reader.is_exact({}));
    CHECK(reader.is_exact(k_exact));
    CHECK(recall(reader, {.lists = 1'000'000}) == 1);
    const double some = recall(reader, {.lists = 1});
    CHECK(some > 0.2);
    CHECK(some < 1);
    CHECK(recall(reader, {.lists = {}, .recall = 0.95}) > 0.9);
    CHECK(verify_store(folder.path()).empty());
    // Scores are those of the vectors, not of their codes.
    for (const Proposal& each : reader.propose(clustered(1), 10)) {
      const auto vector = reader.vector_of(each.chunk);
      const auto query = clustered(1);
      double product = 0;
      for (std::size_t i = 0; i < k_dimension; ++i) product += double{query[i]} * double{vector[i]};
      CHECK(each.score == Approx(product).epsilon(1e-5));
    }
  }
}

TEST_CASE("the table of an index grows with the lists and reaches nearly all") {
  const TemporaryFolder folder;
  auto writer = make_clusters(folder.path());
  REQUIRE(StoreReader(folder.path()).measure_recall(100, 0.999).empty());
  REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  const auto table = StoreReader(folder.path()).measure_recall(100, 0.999);
  REQUIRE(table.size() > 3);
  CHECK(table.front().lists == 1);
  CHECK(table.back().recall >= 0.99);
  CHECK(std::ranges::is_sorted(table, {}, &RecallPoint::lists));
}

TEST_CASE("what is stored after the index was made is found, what is gone is not") {
  const TemporaryFolder folder;
  auto writer = make_clusters(folder.path());
  REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  // Its vectors are those of doc0, which goes in the same commit.
  const std::vector<NewDocument> twin{cluster_document("twin", 50, 0)};
  writer.commit(twin, std::vector<std::string>{"doc0"});
  const StoreReader reader(folder.path());
  CHECK(reader.stats().indexed == 1950);
  CHECK(index_files(folder.path()).size() == 1);
  for (unsigned i = 0; i < 50; ++i) {
    const auto found = reader.propose(clustered(i), 3);
    REQUIRE_FALSE(found.empty());
    CHECK(reader.chunk_of_vector(found.front().chunk).document.uri == "twin");
    for (const Proposal& each : found) {
      CHECK(reader.chunk_of_vector(each.chunk).document.uri != "doc0");
    }
  }
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("a filter is applied inside the lists, and few chunks are compared one by one") {
  const TemporaryFolder folder;
  auto writer = make_clusters(folder.path());
  REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  const StoreReader reader(folder.path());
  ChunkRanges half;
  for (ChunkId first = 1; first < 2000; first += 100) half.push_back({first, first + 50});
  CHECK(recall(reader, {.lists = 1'000'000}, &half) == 1);
  CHECK(recall(reader, {}, &half) > 0.9);
  const ChunkRanges few{{100, 103}, {1500, 1502}};
  CHECK(recall(reader, {.lists = 1}, &few) == 0.5);  // five of ten, all there are
}

TEST_CASE("compaction makes, keeps and removes an index as it is told") {
  const TemporaryFolder folder;
  auto writer = make_clusters(folder.path());
  REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  const auto made = index_files(folder.path());
  const auto generation = StoreReader(folder.path()).stats().generation;
  REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  CHECK(index_files(folder.path()) == made);
  CHECK(StoreReader(folder.path()).stats().generation == generation);

  const StoreReader before(folder.path());
  writer.commit({}, std::vector<std::string>{"doc3"});
  REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  CHECK(index_files(folder.path()).size() == 1);
  CHECK(index_files(folder.path()) != made);
  CHECK(before.propose(clustered(1), 10).size() == 10);  // its own generation's files stay mapped

  REQUIRE(writer.compact());  // too few vectors for one by itself
  CHECK(index_files(folder.path()).empty());
  CHECK(StoreReader(folder.path()).is_exact({}));
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("a store without vectors and one with a single one may have an index") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path(), k_wide);
  REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  writer.commit(std::vector{cluster_document("one", 1, 1)}, {});
  REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  CHECK(StoreReader(folder.path()).propose(clustered(1), 10).size() == 1);
  writer.commit({}, std::vector<std::string>{"one"});
  CHECK(index_files(folder.path()).empty());
  CHECK(StoreReader(folder.path()).propose(clustered(1), 10).empty());
}

TEST_CASE("no damaged byte of an index is searched, and compaction makes it anew") {
  const TemporaryFolder folder;
  make_clusters(folder.path()).compact({.index = IndexKind::k_ivf});
  const fs::path file = index_files(folder.path()).at(0);
  const std::string sound = read_all(file);
  std::mt19937 draw(1);
  for (int i = 0; i < 200; ++i) {
    std::string bytes = sound;
    switch (i % 3) {
      case 0:
        bytes[draw() % bytes.size()] ^= static_cast<char>(1U << draw() % 8);
        break;
      case 1:
        bytes.resize(draw() % bytes.size());
        break;
      default:
        bytes += "more";
    }
    write_all(file, bytes);
    CAPTURE(i);
    CHECK(kind_of_search(folder.path()) == ErrorKind::k_damaged);
  }
  CHECK(verify_store(folder.path()).size() == 1);
  {
    auto writer = StoreWriter::open(folder.path(), 0, {});
    REQUIRE(writer.compact({.index = IndexKind::k_ivf}));
  }
  CHECK(verify_store(folder.path()).empty());
  fs::remove(index_files(folder.path()).at(0));
  CHECK(kind_of_search(folder.path()) == ErrorKind::k_damaged);
  StoreWriter::open(folder.path(), 0, {}).compact({.index = IndexKind::k_ivf});
  CHECK(verify_store(folder.path()).empty());
}
