#include "pipeline/query.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <tuple>

#include "pipeline/selection.h"
#include "search/ranking.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

constexpr std::size_t k_dimension = 7;

// Documents whose chunks share vectors, so that there are ties, in two segments with tombstones.
void fill(const std::filesystem::path& path) {
  StoreWriter writer = make_store(path);
  std::vector<NewDocument> documents;
  for (const char* uri : {"d", "b", "e", "a", "c"}) {
    documents.push_back(make_document(uri, 40, static_cast<unsigned>(uri[0] % 3)));
  }
  writer.commit(documents, {});
  writer.commit(std::vector{make_document("b", 25, 9), make_document("f", 3, 1)},
                std::vector<std::string>{"e"});
}

struct Place {
  double score;
  std::string uri;
  std::uint64_t number;
  friend bool operator==(const Place&, const Place&) = default;
};

std::vector<float> joined(const std::vector<std::vector<float>>& vectors) {
  std::vector<float> all;
  for (const auto& each : vectors) all.insert(all.end(), each.begin(), each.end());
  return all;
}

// Every chunk compared with every vector.
std::vector<Place> expected(const StoreReader& store, std::span<const float> vectors, std::size_t k) {
  std::vector<Place> places;
  for (const DocumentSummary& document : store.documents()) {
    for (std::uint64_t i = 0; i < document.chunks; ++i) {
      const auto vector = store.vector_of(document.first_chunk + static_cast<ChunkId>(i));
      double best = -2;
      for (std::size_t at = 0; at < vectors.size(); at += k_dimension) {
        best = std::max(best, cosine_of_units(vectors.subspan(at, k_dimension), vector));
      }
      places.push_back({best, document.record.uri, i});
    }
  }
  std::ranges::sort(places, {}, [](const Place& p) { return std::tuple(-p.score, p.uri, p.number); });
  places.resize(std::min(k, places.size()));
  return places;
}

std::vector<Place> found(const StoreReader& store, std::span<const float> vectors, std::size_t k) {
  std::vector<Place> places;
  QueryLimits limits;
  limits.k = k;
  const auto hits = find_nearest(store, vectors, limits);
  REQUIRE(hits);
  for (const Hit& hit : *hits) {
    places.push_back({hit.score, hit.chunk.document.uri, hit.chunk.number});
    CHECK(hit.distance == Approx(2 - 2 * hit.score).margin(1e-6));
  }
  return places;
}

}  // namespace

TEST_CASE("the nearest to one vector or several are those of a comparison with everything") {
  const TemporaryFolder folder;
  fill(folder.path());
  const StoreReader store(folder.path());
  for (const std::size_t count : {1, 2, 3, 20, 40, 1030}) {
    std::vector<std::vector<float>> vectors;
    for (std::size_t i = 0; i < count; ++i) {
      vectors.push_back(random_unit(static_cast<unsigned>(100 * count + i)));
    }
    vectors.push_back(store.vector_of(store.find_document("c")->first_chunk));
    const std::vector<float> all = joined(vectors);
    for (const std::size_t k : {1, 2, 5, 30, 1000}) {
      CAPTURE(count, k);
      CHECK(found(store, all, k) == expected(store, all, k));
    }
  }
}

TEST_CASE("many vectors leave out what is not to be an answer") {
  const TemporaryFolder folder;
  fill(folder.path());
  const StoreReader store(folder.path());
  std::vector<std::vector<float>> vectors;
  for (unsigned i = 0; i < 50; ++i) vectors.push_back(random_unit(i));
  const std::vector<float> all = joined(vectors);
  const ChunkRanges among{{3, 9}, {50, 51}, {90, 130}};
  std::vector<Place> right;
  for (const Place& place : expected(store, all, 1000)) {
    const ChunkId chunk = store.find_document(place.uri)->first_chunk + static_cast<ChunkId>(place.number);
    const bool is_in = std::ranges::any_of(
        among, [&](const ChunkRange& range) { return range.first <= chunk && chunk < range.end; });
    if (is_in) right.push_back(place);
  }
  QueryLimits limits;
  limits.among = &among;
  for (const std::size_t k : {1, 7, 1000}) {
    limits.k = k;
    const auto hits = find_nearest(store, all, limits);
    REQUIRE(hits);
    REQUIRE(hits->size() == std::min(k, right.size()));
    for (std::size_t i = 0; i < hits->size(); ++i) {
      const Hit& hit = (*hits)[i];
      CHECK(Place{hit.score, hit.chunk.document.uri, hit.chunk.number} == right[i]);
    }
  }
}

TEST_CASE("the order of the vectors makes no difference, and the same one twice neither") {
  const TemporaryFolder folder;
  fill(folder.path());
  const StoreReader store(folder.path());
  const auto right = found(store, joined({random_unit(1), random_unit(2)}), 9);
  CHECK(found(store, joined({random_unit(2), random_unit(1)}), 9) == right);
  CHECK(found(store, joined({random_unit(1), random_unit(2), random_unit(1)}), 9) == right);
}

TEST_CASE("nothing is near to no vector, and nothing is found in an empty store") {
  const TemporaryFolder folder;
  make_store(folder.path());
  const StoreReader store(folder.path());
  CHECK(found(store, {}, 4).empty());
  CHECK(found(store, random_unit(1), 4).empty());
}

TEST_CASE("chunks are left out of all, and of ranges") {
  constexpr ChunkId k_end = std::numeric_limits<ChunkId>::max();
  CHECK(chunks_without(nullptr, {1, 3}) == ChunkRanges{{3, k_end}});
  CHECK(chunks_without(nullptr, {5, 9}) == ChunkRanges{{1, 5}, {9, k_end}});
  const ChunkRanges ranges{{2, 4}, {6, 9}, {12, 13}};
  CHECK(chunks_without(&ranges, {7, 8}) == ChunkRanges{{2, 4}, {6, 7}, {8, 9}, {12, 13}});
  CHECK(chunks_without(&ranges, {3, 7}) == ChunkRanges{{2, 3}, {7, 9}, {12, 13}});
  CHECK(chunks_without(&ranges, {4, 6}) == ranges);
  CHECK(chunks_without(&ranges, {1, 20}).empty());
  const ChunkRanges none;
  CHECK(chunks_without(&none, {1, 2}).empty());
}
