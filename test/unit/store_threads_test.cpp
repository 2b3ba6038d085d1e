#include <atomic>
#include <catch2/catch.hpp>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "store/store.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_readers = 4;
constexpr unsigned k_rounds = 12;
constexpr unsigned k_documents = 4;
constexpr std::size_t k_chunks = 3;

// Every document of a round has the round's number for a seed, and a round is one commit. So what
// belongs to one generation has one seed.
std::vector<NewDocument> documents_of(unsigned round) {
  std::vector<NewDocument> documents;
  for (unsigned i = 0; i < k_documents; ++i) {
    documents.push_back(make_document("doc" + std::to_string(i), k_chunks, round));
  }
  return documents;
}

// What is wrong with what one reader answers; empty when all is of one generation.
std::string fault_of(const StoreReader& reader) {
  const auto summaries = reader.documents();
  if (summaries.size() != k_documents) return "there are more or fewer documents";
  const std::string meta = summaries[0].record.meta;
  for (const DocumentSummary& summary : summaries) {
    if (summary.record.meta != meta) return "documents are of two rounds";
    const auto chunks = reader.chunks_of(summary.record.uri);
    if (chunks.size() != k_chunks || chunks[0].id != summary.first_chunk) return "chunks differ";
  }
  if (reader.stats().chunks != k_documents * k_chunks) return "the numbers differ";
  constexpr SearchEffort k_efforts[] = {{.lists = {}, .recall = 1}, {.lists = 100}};
  for (const SearchEffort& effort : k_efforts) {
    const auto proposals = reader.propose(random_unit(1), 100, nullptr, effort);
    if (proposals.size() != k_documents * k_chunks) return "a vector is missing or is dead";
    for (const Proposal& each : proposals) {
      if (reader.chunk_of_vector(each.chunk).document.meta != meta) return "a vector is older";
      if (reader.vector_of(each.chunk).size() != k_settings.dimension) return "a vector is cut";
    }
  }
  return "";
}

// Opens readers until the writer has ended; each answers twice, once perhaps about the past.
struct Reading {
  std::string fault;
  std::size_t answers = 0;
  std::uint64_t generation = 0;  // the newest one that was seen
};

Reading read_until(const std::atomic<bool>& ended, const fs::path& store, std::size_t threads) {
  Reading reading;
  try {
    for (bool is_last = false; reading.fault.empty() && !is_last;) {
      is_last = ended;
      const StoreReader reader(store, threads);
      const std::uint64_t generation = reader.stats().generation;
      reading.fault = fault_of(reader);
      if (reading.fault.empty()) reading.fault = fault_of(reader);
      if (reader.stats().generation != generation) reading.fault = "the generation changed";
      if (generation < reading.generation) reading.fault = "the store went back in time";
      reading.generation = generation;
      ++reading.answers;
    }
  } catch (const std::exception& error) {
    reading.fault = error.what();
  }
  return reading;
}

}  // namespace

TEST_CASE("readers in threads see one generation each while a writer commits, merges and indexes",
          "[threads]") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(documents_of(0), {});
  std::atomic<bool> ended = false;
  std::vector<Reading> readings(k_readers);
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < k_readers; ++i) {
    readers.emplace_back([&, i] { readings[i] = read_until(ended, folder.path(), 1 + i % 2); });
  }
  // Nothing is checked by Catch2 before the readers have ended: it is not made for threads.
  std::string fault;
  try {
    for (unsigned round = 1; round <= k_rounds; ++round) {
      writer.commit(documents_of(round), {});
      if (round % 3 == 0) writer.compact({.index = IndexKind::k_ivf});
      if (round % 6 == 5) writer.compact({.index = IndexKind::k_flat});
      writer.shorten_log();
    }
  } catch (const std::exception& error) {
    fault = error.what();
  }
  ended = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(fault.empty());
  const std::uint64_t newest = StoreReader(folder.path()).stats().generation;
  for (const Reading& reading : readings) {
    CAPTURE(reading.fault);
    CHECK(reading.fault.empty());
    CHECK(reading.answers > 0);
    CHECK(reading.generation == newest);
  }
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("a reader that stays answers from its generation whatever is written meanwhile",
          "[threads]") {
  const TemporaryFolder folder;
  auto writer = make_store(folder.path());
  writer.commit(documents_of(0), {});
  const StoreReader old(folder.path());
  std::thread writing([&] {
    for (unsigned round = 1; round <= k_rounds; ++round) writer.commit(documents_of(round), {});
    writer.compact({.index = IndexKind::k_ivf});
  });
  std::string fault;
  for (int i = 0; i < 20 && fault.empty(); ++i) fault = fault_of(old);
  writing.join();
  CHECK(fault.empty());
  CHECK(holds_exactly(old, documents_of(0)));
  CHECK(holds_exactly(StoreReader(folder.path()), documents_of(k_rounds)));
}
