#include "base/worker_pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using vecdb::WorkerPool;

TEST_CASE("a pool runs every task and gives each its result") {
  WorkerPool pool(3);
  std::vector<std::future<std::size_t>> results;
  for (std::size_t i = 0; i < 500; ++i) results.push_back(pool.run([i] { return i * i; }));
  for (std::size_t i = 0; i < results.size(); ++i) CHECK(results[i].get() == i * i);
}

TEST_CASE("tasks begin in the order they came in") {
  WorkerPool pool(1);
  std::vector<int> order;
  std::vector<std::future<void>> done;
  for (int i = 0; i < 50; ++i) done.push_back(pool.run([i, &order] { order.push_back(i); }));
  for (auto& each : done) each.get();
  for (int i = 0; i < 50; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("what a task throws comes out of its future alone") {
  WorkerPool pool(2);
  auto bad = pool.run([]() -> int { throw std::runtime_error("broken"); });
  auto good = pool.run([] { return 7; });
  CHECK_THROWS_WITH(bad.get(), "broken");
  CHECK(good.get() == 7);
}

TEST_CASE("a task may own what can only be moved") {
  WorkerPool pool(1);
  auto result = pool.run([value = std::make_unique<int>(3)]() mutable { return std::move(value); });
  CHECK(*result.get() == 3);
}

TEST_CASE("a pool that ends drops what it has not begun and waits for what it has") {
  std::atomic<int> finished{0};
  std::promise<void> begun;
  std::future<void> dropped;
  {
    WorkerPool pool(1);
    pool.run([&] {
      begun.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      ++finished;
    });
    begun.get_future().wait();
    dropped = pool.run([&] { ++finished; });
  }
  CHECK(finished == 1);
  CHECK_THROWS_AS(dropped.get(), std::future_error);
}

}  // namespace
