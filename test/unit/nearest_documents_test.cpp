#include "pipeline/nearest_documents.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <tuple>

#include "search/ranking.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

// Every document compared as a whole.
std::vector<RankedDocument> expected(const StoreReader& store, std::span<const float> vector,
                                     const DocumentLimits& limits) {
  std::vector<RankedDocument> documents;
  for (const DocumentSummary& document : store.documents()) {
    if (document.record.uri == limits.left_out) continue;
    double best = -2;
    for (std::uint64_t i = 0; i < document.chunks; ++i) {
      const auto id = document.first_chunk + static_cast<ChunkId>(i);
      best = std::max(best, cosine_of_units(vector, store.vector_of(id)));
    }
    documents.push_back({document.record.uri, best});
  }
  std::ranges::sort(documents, std::greater(), [](const RankedDocument& each) {
    return std::tuple(each.score, each.uri);
  });
  documents.resize(std::min(limits.k, documents.size()));
  return documents;
}

// The same vector for every chunk: as near as can be, or far away.
NewDocument document_of(const std::string& uri, std::size_t chunks, std::span<const float> vector) {
  NewDocument document = make_document(uri, chunks, 1);
  for (std::size_t i = 0; i < document.vectors.size(); ++i) {
    document.vectors[i] = vector[i % vector.size()];
  }
  return document;
}

}  // namespace

TEST_CASE("documents are ranked by their nearest chunk, each once, as by comparing all of them") {
  const TemporaryFolder folder;
  {
    StoreWriter writer = make_store(folder.path());
    std::vector<NewDocument> documents;
    for (unsigned i = 0; i < 60; ++i) {
      // Every third has the vectors of the one before: equal scores.
      const unsigned seed = i - (i % 3 == 2 ? 1 : 0);
      documents.push_back(make_document("d" + std::to_string(i), 1 + i % 7, seed));
    }
    writer.commit(documents, {});
  }
  const StoreReader store(folder.path());
  for (unsigned seed = 0; seed < 20; ++seed) {
    for (const std::size_t k : {1U, 2U, 3U, 10U, 59U, 60U, 1000U}) {
      for (const char* left_out : {"", "d7"}) {
        CAPTURE(seed, k, left_out);
        const auto vector = random_unit(seed);
        const DocumentLimits limits{.k = k, .left_out = left_out, .effort = {}};
        CHECK(nearest_documents(store, vector, limits) == expected(store, vector, limits));
      }
    }
  }
}

TEST_CASE("a document with any number of nearest chunks takes one place") {
  const TemporaryFolder folder;
  const auto near = random_unit(1);
  {
    StoreWriter writer = make_store(folder.path());
    writer.commit(std::vector{document_of("large", 500, near), make_document("m", 2, 2),
                              make_document("n", 2, 3), make_document("o", 2, 4)},
                  {});
  }
  const StoreReader store(folder.path());
  const DocumentLimits limits{.k = 3, .left_out = "", .effort = {}};
  const auto found = nearest_documents(store, near, limits);
  CHECK(found == expected(store, near, limits));
  REQUIRE(found->size() == 3);
  CHECK(found->front().uri == "large");
  const auto others = nearest_documents(store, near, {.k = 3, .left_out = "large", .effort = {}});
  REQUIRE(others->size() == 3);
  CHECK(others->front() == (*found)[1]);
}

TEST_CASE("of equal scores the last in order of uri come first, however many there are") {
  const TemporaryFolder folder;
  const auto vector = random_unit(1);
  {
    StoreWriter writer = make_store(folder.path());
    std::vector<NewDocument> documents;
    for (int i = 100; i < 400; ++i) documents.push_back(document_of(std::to_string(i), 1, vector));
    writer.commit(documents, {});
  }
  const StoreReader store(folder.path());
  const auto found = nearest_documents(store, vector, {.k = 2, .left_out = "", .effort = {}});
  REQUIRE(found->size() == 2);
  CHECK(found->front().uri == "399");
  CHECK(found->back().uri == "398");
}

TEST_CASE("a store without chunks has no nearest documents") {
  const TemporaryFolder folder;
  make_store(folder.path());
  const StoreReader store(folder.path());
  CHECK(nearest_documents(store, random_unit(1), {})->empty());
}
