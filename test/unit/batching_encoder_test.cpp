#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "serve/batching_encoder.h"

using vecdb::ActivationMemory;
using vecdb::BatchingEncoder;
using vecdb::Encoder;
using vecdb::EncoderShape;
using vecdb::PackedTokens;
using vecdb::TokenId;

namespace {

// Keeps what it was asked, and lets a test hold it up. A vector is the sum of a text's tokens, and
// the task.
class WatchedEncoder final : public Encoder {
 public:
  std::vector<float> encode(const PackedTokens& batch, int task) const override {
    std::unique_lock lock(m_mutex);
    batches.push_back(batch);
    m_changed.notify_all();
    m_changed.wait(lock, [this] { return m_open; });
    std::vector<float> vectors;
    for (std::size_t i = 0; i < batch.texts(); ++i) {
      const auto sum = std::accumulate(batch.ids.begin() + batch.starts[i],
                                       batch.ids.begin() + batch.starts[i + 1], std::int64_t{0});
      if (sum == 13) throw std::runtime_error("thirteen");
      vectors.push_back(static_cast<float>(sum));
      vectors.push_back(static_cast<float>(task));
    }
    return vectors;
  }

  void hold() {
    const std::lock_guard lock(m_mutex);
    m_open = false;
  }
  void let_go() {
    const std::lock_guard lock(m_mutex);
    m_open = true;
    m_changed.notify_all();
  }
  void wait_for_batches(std::size_t count) const {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] { return batches.size() >= count; });
  }

  mutable std::vector<PackedTokens> batches;

 private:
  mutable std::mutex m_mutex;
  mutable std::condition_variable m_changed;
  bool m_open = true;
};

EncoderShape small_shape() {
  EncoderShape shape;
  shape.architecture = "bert";
  shape.num_attention_heads = 1;
  shape.hidden_size = 8;
  shape.intermediate_size = 8;
  return shape;
}

struct Fixture {
  explicit Fixture(std::size_t workers)
      : batching(watched, 2, ActivationMemory(small_shape()), std::size_t{1} << 30U, workers) {}

  std::shared_ptr<WatchedEncoder> watched = std::make_shared<WatchedEncoder>();
  BatchingEncoder batching;
};

PackedTokens texts(std::size_t count, std::size_t tokens, TokenId id) {
  PackedTokens packed;
  for (std::size_t i = 0; i < count; ++i) packed.append(std::vector<TokenId>(tokens, id));
  return packed;
}

}  // namespace

TEST_CASE("every caller gets its own vectors, however many there are") {
  Fixture fixture(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int caller = 1; caller <= 16; ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 50; ++round) {
        const auto count = static_cast<std::size_t>(1 + (caller + round) % 7);
        const auto vectors = fixture.batching.encode(texts(count, 100, 20 + caller), caller % 3);
        bool right = vectors.size() == 2 * count;
        for (std::size_t i = 0; right && i < count; ++i) {
          right = vectors[2 * i] == static_cast<float>(100 * (20 + caller)) &&
                  vectors[2 * i + 1] == static_cast<float>(caller % 3);
        }
        wrong += right ? 0 : 1;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
  for (const PackedTokens& batch : fixture.watched->batches) CHECK(batch.ids.size() <= 512);
  CHECK(fixture.batching.encode({}, 0).empty());
}

TEST_CASE("a question shares the next batch with a long call") {
  Fixture fixture(1);
  fixture.watched->hold();
  std::thread ingest([&] { fixture.batching.encode(texts(50, 100, 1), -1); });
  fixture.watched->wait_for_batches(1);
  std::thread question([&] { fixture.batching.encode(texts(1, 10, 2), -1); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it waits behind 45 texts
  fixture.watched->let_go();
  question.join();
  ingest.join();
  const auto& batches = fixture.watched->batches;
  const auto has_question = [](const PackedTokens& batch) {
    return std::ranges::count(batch.ids, 2) > 0;
  };
  CHECK(std::ranges::find_if(batches, has_question) - batches.begin() <= 1);
  CHECK(batches.size() <= 11);  // five texts a batch: it took the place of none
}

TEST_CASE("tasks never share a batch, and a text over the limit goes alone") {
  Fixture fixture(1);
  fixture.watched->hold();
  std::vector<std::thread> callers;
  callers.emplace_back([&] { fixture.batching.encode(texts(1, 5, 1), 0); });
  fixture.watched->wait_for_batches(1);
  for (const int task : {0, 1, 0, 1}) {
    callers.emplace_back([&, task] { fixture.batching.encode(texts(2, 5, 10 + task), task); });
  }
  callers.emplace_back([&] { fixture.batching.encode(texts(1, 900, 50), 0); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  fixture.watched->let_go();
  for (std::thread& caller : callers) caller.join();
  for (const PackedTokens& batch : fixture.watched->batches) {
    const bool zero = std::ranges::count(batch.ids, 10) > 0;
    const bool one = std::ranges::count(batch.ids, 11) > 0;
    CHECK_FALSE((zero && one));
    if (std::ranges::count(batch.ids, 50) > 0) CHECK(batch.texts() == 1);
  }
}

TEST_CASE("a long text is not passed over for ever") {
  Fixture fixture(1);
  fixture.watched->hold();
  std::vector<std::thread> callers;
  callers.emplace_back([&] { fixture.batching.encode(texts(1, 5, 1), 0); });
  fixture.watched->wait_for_batches(1);
  // Those of 10 and 502 tokens fill a batch together, again and again, and there is no room for one of
  // 512 beside either. They queue up in this order.
  const auto queue = [&](std::size_t count, std::size_t tokens, TokenId id) {
    callers.emplace_back([&, batch = texts(count, tokens, id)] { fixture.batching.encode(batch, 0); });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  };
  queue(40, 10, 2);
  queue(1, 512, 3);
  queue(40, 502, 4);
  fixture.watched->let_go();
  for (std::thread& caller : callers) caller.join();
  const auto& batches = fixture.watched->batches;
  const auto has_long = [](const PackedTokens& batch) { return std::ranges::count(batch.ids, 3) > 0; };
  CHECK(std::ranges::find_if(batches, has_long) - batches.begin() <= 2);
}

TEST_CASE("a failure is told to those in the batch, and the next ones go on") {
  Fixture fixture(2);
  CHECK_THROWS_WITH(fixture.batching.encode(texts(20, 1, 13), 0), "thirteen");
  CHECK(fixture.batching.encode(texts(1, 1, 12), 0).front() == 12);
}
