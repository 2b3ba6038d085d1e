// What scale.py measures inside a process: the search of a store, without an encoder.
//
//   bench_ask STORE VECTORS K THREADS RECALL   VECTORS: float32, one after another, unit length
//
// Opens the store and asks for the K passages nearest to each vector, as `vecdb query` does once it
// has the question's. RECALL 1 is exact. Prints one JSON object: "open" and "queries" in seconds, the
// first query being the first after opening; "best", each answer's chunks; "anonymous", bytes of
// memory that are not pages of files.

#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "pipeline/query.h"
#include "store/store.h"

namespace {

using namespace vecdb;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count();
  }

 private:
  std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

std::uint64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
  }
  return 0;
}

Json ask(const std::vector<std::string>& words) {
  const MappedFile file(words[2]);
  const Stopwatch opening;
  const StoreReader store(words[1], std::stoul(words[4]));
  Json result = {{"open", opening.seconds()}, {"queries", Json::array()}, {"best", Json::array()}};

  QueryLimits limits;
  limits.k = std::stoul(words[3]);
  limits.effort.recall = std::stod(words[5]);
  const std::size_t bytes = store.settings().dimension * sizeof(float);
  std::vector<float> vector(store.settings().dimension);
  for (std::size_t at = 0; at + bytes <= file.bytes().size(); at += bytes) {
    std::memcpy(vector.data(), file.bytes().data() + at, bytes);
    const Stopwatch asking;
    const std::vector<Hit> hits = find_nearest(store, vector, limits);
    result["queries"].push_back(asking.seconds());
    Json& best = result["best"].emplace_back(Json::array());
    for (const Hit& hit : hits) best.push_back(hit.chunk.id);
  }
  result["anonymous"] = anonymous_bytes();
  return result;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments, arguments + count);
  if (count != 6) {
    std::cerr << "bench_ask: STORE VECTORS K THREADS RECALL\n";
    return 2;
  }
  std::cout << dump_json(ask(words)) << '\n';
  return 0;
}
