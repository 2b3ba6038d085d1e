#include "store_fixture.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

namespace vecdb {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "vecdb-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  m_path = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(m_path, ignored);
}

std::vector<float> random_unit(unsigned seed, std::size_t dimension) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(dimension);
  double square = 0;
  for (double& value : values) {
    value = normal(random);
    square += value * value;
  }
  std::vector<float> vector;
  for (const double value : values) vector.push_back(static_cast<float>(value / std::sqrt(square)));
  return vector;
}

NewDocument make_document(const std::string& uri, std::size_t chunks, unsigned seed,
                          std::size_t dimension) {
  NewDocument document;
  document.record = {.uri = uri,
                     .sha256 = std::string(64, static_cast<char>('a' + seed % 6)),
                     .size = 100 * chunks + seed,
                     .mtime_ns = -5 + static_cast<std::int64_t>(seed),
                     .ctime_ns = seed,
                     .type = "text",
                     .recipe = R"({"size":1000})",
                     .meta = R"({"seed":)" + std::to_string(seed) + "}"};
  for (std::size_t i = 0; i < chunks; ++i) {
    const Chunk chunk{.start = 10 * i,
                      .end = 10 * i + 9,
                      .line = i + 1,
                      .text = uri + " " + std::to_string(seed) + " " + std::to_string(i) + " ünï",
                      .meta = i % 2 == 0 ? "" : R"({"page":1})"};
    document.chunks.push_back({.chunk = chunk,
                               .tokens = static_cast<std::uint32_t>(3 + i),
                               .fit = static_cast<WindowFit>(i % 4)});
    const auto vector = random_unit(seed * 1000 + static_cast<unsigned>(i), dimension);
    document.vectors.insert(document.vectors.end(), vector.begin(), vector.end());
  }
  return document;
}

StoreWriter make_store(const fs::path& path, const StoreSettings& settings) {
  return StoreWriter::open_or_create(path, settings, 0, nullptr);
}

namespace {

bool is_same(const StoredChunk& stored, const NewDocument& document, std::size_t number) {
  const ChunkRecord& record = document.chunks.at(number);
  return stored.document == document.record && stored.number == number &&
         stored.record.chunk == record.chunk && stored.record.tokens == record.tokens &&
         stored.record.fit == record.fit;
}

bool holds(const StoreReader& reader, const NewDocument& document) {
  const std::string& uri = document.record.uri;
  const auto summary = reader.find_document(uri);
  const auto chunks = reader.chunks_of(uri);
  if (!summary || summary->record != document.record) return false;
  if (summary->chunks != document.chunks.size() || chunks.size() != summary->chunks) return false;
  const std::size_t dimension = reader.settings().dimension;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto first = document.vectors.begin() + static_cast<std::ptrdiff_t>(i * dimension);
    const std::vector<float> vector(first, first + static_cast<std::ptrdiff_t>(dimension));
    const auto by_id = reader.find_chunk(chunks[i].id);
    const auto best = reader.propose(vector, 1);
    if (!is_same(chunks[i], document, i) || !by_id || !is_same(*by_id, document, i)) return false;
    if (reader.vector_of(chunks[i].id) != vector) return false;
    if (best.size() != 1 || reader.vector_of(best[0].chunk) != vector) return false;
  }
  return true;
}

}  // namespace

bool holds_exactly(const StoreReader& reader, std::vector<NewDocument> documents) {
  std::sort(documents.begin(), documents.end(),
            [](const auto& a, const auto& b) { return a.record.uri < b.record.uri; });
  const auto summaries = reader.documents();
  if (summaries.size() != documents.size() || reader.stats().documents != documents.size()) {
    return false;
  }
  std::size_t chunks = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (summaries[i].record != documents[i].record || !holds(reader, documents[i])) return false;
    chunks += documents[i].chunks.size();
  }
  const auto all = reader.propose(random_unit(77, reader.settings().dimension), chunks + 10);
  return reader.stats().chunks == chunks && all.size() == chunks;
}

void check_documents(const StoreReader& reader, std::vector<NewDocument> documents) {
  CHECK(holds_exactly(reader, std::move(documents)));
}

std::string read_all(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_all(const fs::path& file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  REQUIRE(out.good());
}

std::vector<fs::path> segment_files(const fs::path& store) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(store / "segments")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace vecdb
