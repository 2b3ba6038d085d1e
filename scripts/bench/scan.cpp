// What scan.py measures inside a process.
//
//   bench_scan make STORE ROWS DIMENSION   a store of random unit vectors
//   bench_scan run STORE QUERIES           searches it; prints one JSON object: seconds by what was
//                                          done, "best": the ten chunks nearest to the first vector

#include <faiss/IndexFlat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/worker_pool.h"
#include "store/store.h"

namespace {

using namespace vecdb;

constexpr std::size_t k_best = 10;
constexpr std::size_t k_asked = k_best + 16;  // what `vecdb query -k 10` asks of a segment
constexpr std::size_t k_chunks_a_document = 1000;

std::vector<float> random_unit(std::mt19937& random, std::size_t dimension) {
  std::vector<float> vector(dimension);
  double squares = 0;
  for (float& x : vector) {
    x = static_cast<float>(random()) / 2147483648.0F - 1.0F;
    squares += static_cast<double>(x) * static_cast<double>(x);
  }
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / std::sqrt(squares));
  return vector;
}

void make(const std::filesystem::path& path, std::size_t rows, std::size_t dimension) {
  const StoreSettings settings{.model = "random",
                               .fingerprint = std::string(64, '0'),
                               .precision = "f32",
                               .dimension = dimension};
  std::mt19937 random(1);
  std::vector<NewDocument> documents;
  for (std::size_t row = 0; row < rows; ++row) {
    if (row % k_chunks_a_document == 0) {
      documents.push_back({.record = {.uri = "document " + std::to_string(row),
                                      .sha256 = std::string(64, '0'),
                                      .type = "text",
                                      .recipe = "{}"},
                           .chunks = {},
                           .vectors = {}});
    }
    NewDocument& document = documents.back();
    const std::size_t start = 10 * document.chunks.size();
    document.chunks.push_back({.chunk = {.start = start,
                                         .end = start + 9,
                                         .line = 1,
                                         .text = std::to_string(row),
                                         .meta = ""}});
    const auto vector = random_unit(random, dimension);
    document.vectors.insert(document.vectors.end(), vector.begin(), vector.end());
  }
  StoreWriter::open_or_create(path, settings, 0, nullptr).commit(documents, {});
}

// At the rate of memory: nothing is done with the words but what keeps the compiler from leaving
// them out. They are read as wide as the processor can.
__attribute__((target_clones("default", "arch=x86-64-v3"), optimize("O3"))) std::uint64_t sum_of(
    const std::byte* bytes, std::size_t size) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(bytes);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < size / sizeof(std::uint64_t); ++i) sum += words[i];
  return sum;
}

volatile std::uint64_t seen;

void read_plainly(std::span<const std::byte> bytes, std::size_t threads) {
  constexpr std::size_t k_piece = std::size_t{1} << 24U;
  run_parallel((bytes.size() + k_piece - 1) / k_piece, threads, [&](std::size_t i) {
    const auto piece = bytes.subspan(i * k_piece);
    seen = sum_of(piece.data(), std::min(piece.size(), k_piece));
  });
}

// The vectors of a store's only segment, as FAISS takes them.
std::vector<float> floats_of(const MappedFile& segment, std::size_t rows, std::size_t dimension) {
  constexpr std::size_t k_header = 82;  // docs/FORMAT.md
  std::vector<float> floats(rows * dimension);
  std::memcpy(floats.data(), segment.bytes().data() + k_header, floats.size() * sizeof(float));
  return floats;
}

void run(const std::filesystem::path& path, std::size_t queries) {
  const StoreReader one(path, 1);
  const StoreReader two(path, 2);
  const std::size_t dimension = one.settings().dimension;
  const MappedFile segment(*std::filesystem::directory_iterator(path / "segments"));
  faiss::IndexFlatIP index(static_cast<faiss::Index::idx_t>(dimension));
  {
    const auto floats = floats_of(segment, one.stats().chunks, dimension);
    index.add(static_cast<faiss::Index::idx_t>(one.stats().chunks), floats.data());
  }

  std::map<std::string, std::vector<double>> seconds;
  const auto measure = [&](const std::string& what, const auto& task) {
    const auto start = std::chrono::steady_clock::now();
    task();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    seconds[what].push_back(took.count());
  };
  std::mt19937 random(2);
  std::vector<ChunkId> best;
  for (std::size_t i = 0; i <= queries; ++i) {
    const auto query = i == 0 ? one.vector_of(1) : random_unit(random, dimension);
    measure("plain read, 1 thread", [&] { read_plainly(segment.bytes(), 1); });
    measure("vecdb, 1 thread", [&] { one.propose(query, k_asked); });
    measure("IndexFlatIP", [&] {
      std::vector<float> scores(k_best);
      std::vector<faiss::Index::idx_t> rows(k_best);
      index.search(1, query.data(), k_best, scores.data(), rows.data());
    });
    measure("plain read, 2 threads", [&] { read_plainly(segment.bytes(), 2); });
    measure("vecdb, 2 threads", [&] { two.propose(query, k_asked); });
    measure("vecdb, 2 threads, store just opened",
            [&] { StoreReader(path, 2).propose(query, k_asked); });
    if (i > 0) continue;
    for (const Proposal& each : two.propose(query, k_best)) best.push_back(each.chunk);
    seconds.clear();  // pages were mapped in that round
  }
  Json result(seconds);
  result["best"] = best;
  result["faiss"] = faiss_version();
  std::cout << dump_json(result) << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments, arguments + count);
  if (count == 5 && words[1] == "make") {
    make(words[2], std::stoul(words[3]), std::stoul(words[4]));
  } else if (count == 4 && words[1] == "run") {
    run(words[2], std::stoul(words[3]));
  } else {
    std::cerr << "bench_scan: make STORE ROWS DIMENSION, or run STORE QUERIES\n";
    return 2;
  }
  return 0;
}
