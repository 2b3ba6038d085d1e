#include "pipeline/duplicates.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

#include "search/ranking.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

constexpr std::size_t k_dimension = 7;

// Vectors around few directions, some of them equal.
std::vector<float> clustered(std::mt19937& random) {
  std::vector<float> vector = random_unit(static_cast<unsigned>(random() % 40));
  if (random() % 4 == 0) return vector;
  std::normal_distribution<float> noise(0, 0.12F);
  double square = 0;
  for (float& each : vector) {
    each += noise(random);
    square += static_cast<double>(each) * static_cast<double>(each);
  }
  for (float& each : vector) each = static_cast<float>(each / std::sqrt(square));
  return vector;
}

// In an order of ids that is not that of uris, in several segments, with tombstones.
void fill(const std::filesystem::path& path, std::size_t documents, std::size_t chunks) {
  StoreWriter writer = make_store(path);
  std::mt19937 random(5);
  std::vector<NewDocument> batch;
  for (std::size_t i = 0; i < documents; ++i) {
    NewDocument document = make_document("d" + std::to_string(i * 7 % documents), 1 + i % chunks, 1);
    document.vectors.clear();
    for (std::size_t c = 0; c < document.chunks.size(); ++c) {
      const auto vector = clustered(random);
      document.vectors.insert(document.vectors.end(), vector.begin(), vector.end());
    }
    batch.push_back(std::move(document));
    if (batch.size() * 3 < documents) continue;
    writer.commit(batch, {});
    batch.clear();
  }
  writer.commit(batch, std::vector<std::string>{"d1", "d2"});
}

struct Row {
  ChunkId chunk;
  std::vector<float> vector;
};

std::vector<Row> rows_of(const StoreReader& store) {
  std::vector<Row> rows;
  for (const DocumentSummary& document : store.documents()) {
    for (std::uint64_t i = 0; i < document.chunks; ++i) {
      const ChunkId chunk = document.first_chunk + static_cast<ChunkId>(i);
      rows.push_back({chunk, store.vector_of(chunk)});
    }
  }
  return rows;
}

// The rule, word by word: chunk -> the chunk that is kept of it, and the score.
std::map<ChunkId, std::pair<ChunkId, double>> expected(const StoreReader& store, double threshold) {
  std::map<ChunkId, std::pair<ChunkId, double>> duplicates;
  std::vector<Row> kept;
  for (const Row& row : rows_of(store)) {
    double best = -2;
    ChunkId nearest = 0;
    for (const Row& each : kept) {
      const double score = row.vector == each.vector
                               ? 1
                               : std::min(1.0, cosine_of_units(row.vector, each.vector));
      if (score < threshold || score <= best) continue;
      best = score;
      nearest = each.chunk;
    }
    if (nearest == 0) {
      kept.push_back(row);
    } else {
      duplicates[row.chunk] = {nearest, best};
    }
  }
  return duplicates;
}

Duplicates found(const StoreReader& store, const DuplicateOptions& options) {
  double last = 0;
  auto result = find_duplicates(store, options, [&](double share) {
    CHECK(share >= last);
    last = share;
  });
  REQUIRE(result);
  return std::move(*result);
}

std::map<ChunkId, std::pair<ChunkId, double>> as_map(const Duplicates& result) {
  std::map<ChunkId, std::pair<ChunkId, double>> duplicates;
  for (const DuplicateGroup& group : result.groups) {
    CHECK_FALSE(group.duplicates.empty());
    for (const Duplicate& each : group.duplicates) duplicates[each.chunk] = {group.kept, each.score};
  }
  CHECK(duplicates.size() == result.duplicates);
  return duplicates;
}

DuplicateOptions at(double threshold, std::size_t threads = 2) {
  DuplicateOptions options;
  options.threshold = threshold;
  options.threads = threads;
  return options;
}

}  // namespace

TEST_CASE("near-duplicates are those of the rule, across blocks, segments and tombstones") {
  const TemporaryFolder folder;
  fill(folder.path(), 900, 7);  // some 3,600 chunks: four blocks
  const StoreReader store(folder.path());
  for (const double threshold : {0.0, 0.5, 0.9, 0.95, 0.999, 1.0}) {
    CAPTURE(threshold);
    const Duplicates result = found(store, at(threshold));
    const auto right = expected(store, threshold);
    CHECK(as_map(result) == right);
    CHECK(result.chunks == store.stats().chunks);
    CHECK_FALSE(right.empty());
    CHECK(right.size() < result.chunks);
    CHECK(as_map(found(store, at(threshold, 1))) == right);
  }
}

TEST_CASE("groups come in order of what is kept, duplicates with the best first") {
  const TemporaryFolder folder;
  fill(folder.path(), 300, 5);
  const StoreReader store(folder.path());
  std::map<ChunkId, std::size_t> order;
  for (const Row& row : rows_of(store)) order.emplace(row.chunk, order.size());
  std::size_t before = 0;
  for (const DuplicateGroup& group : found(store, at(0.9)).groups) {
    CHECK(before <= order.at(group.kept));
    before = order.at(group.kept);
    CHECK(std::ranges::is_sorted(group.duplicates, {}, [&](const Duplicate& each) {
      return std::pair(-each.score, order.at(each.chunk));
    }));
    for (const Duplicate& each : group.duplicates) CHECK(order.at(each.chunk) > before);
  }
}

TEST_CASE("a document is redundant when nothing of it is kept") {
  const TemporaryFolder folder;
  const NewDocument whole = make_document("a", 3, 1);
  NewDocument same = whole;
  same.record.uri = "b";
  NewDocument more = make_document("c", 4, 2);
  std::copy(whole.vectors.begin(), whole.vectors.end(), more.vectors.begin());
  NewDocument twice = make_document("d", 2, 3);  // repeats itself only
  std::copy_n(twice.vectors.begin(), k_dimension, twice.vectors.begin() + k_dimension);
  make_store(folder.path())
      .commit(std::vector{more, same, whole, twice, make_document("e", 0, 4)}, {});
  const StoreReader store(folder.path());
  const Duplicates result = found(store, at(1));
  CHECK(result.redundant == std::vector<std::string>{"b"});
  CHECK(result.duplicates == 3 + 3 + 1);
  CHECK(result.groups.size() == 3 + 1);

  DuplicateOptions filtered = at(1);
  filtered.filter = parse_filter("path in (b, d)", "");
  CHECK(found(store, filtered).redundant.empty());
  CHECK(found(store, filtered).chunks == 5);
  filtered.filter = parse_filter("page = 1", "");  // only some chunks of each
  CHECK(found(store, filtered).redundant.empty());
}

TEST_CASE("an empty store has no duplicates, nor one of a single chunk") {
  const TemporaryFolder folder;
  make_store(folder.path());
  CHECK(found(StoreReader(folder.path()), at(0)).groups.empty());
  StoreWriter::open(folder.path(), 0, nullptr).commit(std::vector{make_document("a", 1, 1)}, {});
  const Duplicates one = found(StoreReader(folder.path()), at(0));
  CHECK(one.groups.empty());
  CHECK(one.chunks == 1);
}
