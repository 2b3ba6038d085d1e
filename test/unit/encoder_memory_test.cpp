#include "model/encoder/encoder_memory.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "base/memory.h"

using vecdb::ActivationMemory;
using vecdb::MemoryBudget;

namespace {

vecdb::EncoderShape base_size(const std::string& architecture) {
  vecdb::EncoderShape shape;
  shape.architecture = architecture;
  shape.num_attention_heads = 12;
  shape.hidden_size = 768;
  shape.intermediate_size = 3072;
  return shape;
}

constexpr std::size_t k_mebi = 1U << 20U;

}  // namespace

TEST_CASE("the need of activations bounds what was measured, and not by far") {
  const ActivationMemory bert(base_size("bert"));
  const ActivationMemory jina(base_size("jina-bert"));
  CHECK(bert.bytes(1024, 128) > 40 * k_mebi);  // seen, as the others
  CHECK(bert.bytes(1024, 128) < 80 * k_mebi);
  CHECK(jina.bytes(1024, 128) > 61 * k_mebi);
  CHECK(jina.bytes(1024, 128) < 122 * k_mebi);
  CHECK(jina.bytes(8190, 8190) > 415 * k_mebi);
  CHECK(jina.bytes(8190, 8190) < 2 * 415 * k_mebi);
}

TEST_CASE("more tokens need more memory") {
  const ActivationMemory memory(base_size("jina-bert"));
  for (const std::size_t tokens : {16, 64, 512, 4096}) {
    CHECK(memory.bytes(2 * tokens, tokens) > memory.bytes(tokens, tokens));
    CHECK(memory.bytes(tokens, tokens) >= memory.bytes(tokens, 1));
  }
}

TEST_CASE("workers never hold more than the budget, unless one needs more by itself") {
  MemoryBudget budget(100);
  std::atomic<std::size_t> held = 0;
  std::atomic<std::size_t> most = 0;
  std::atomic<bool> large_was_alone = true;
  const auto work = [&](std::size_t bytes) {
    for (int i = 0; i < 200; ++i) {
      const MemoryBudget::Share share(budget, bytes);
      const std::size_t now = held += bytes;
      if (bytes > 100) {
        if (now != bytes) large_was_alone = false;
      } else {
        std::size_t seen = most;
        while (now < 200 && now > seen && !most.compare_exchange_weak(seen, now)) {
        }
      }
      std::this_thread::yield();
      held -= bytes;
    }
  };
  std::vector<std::thread> workers;
  for (const std::size_t bytes : {30, 40, 60, 100, 250}) workers.emplace_back(work, bytes);
  for (auto& worker : workers) worker.join();
  CHECK(held == 0);
  CHECK(most <= 100);
  CHECK(large_was_alone);
}

TEST_CASE("some memory is available") { CHECK(vecdb::available_memory() > k_mebi); }
