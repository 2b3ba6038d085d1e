#include "base/worker_pool.h"

#include <pthread.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/error.h"

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

// Until it ends, no thread can start: its stack would be larger than the address space.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&m_usual);
    pthread_attr_t huge = m_usual;
    pthread_attr_setstacksize(&huge, std::size_t{1} << 47U);
    REQUIRE(pthread_setattr_default_np(&huge) == 0);
  }
  ~NoThreads() { pthread_setattr_default_np(&m_usual); }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t m_usual{};
};

TEST_CASE("as many threads start as the system gives") {
  std::atomic<int> begun{0};
  for (std::thread& thread : vecdb::start_threads(3, [&] { ++begun; })) thread.join();
  CHECK(begun == 3);
  const NoThreads no_threads;
  CHECK(vecdb::start_threads(3, [&] { ++begun; }).empty());
  CHECK(begun == 3);
}

TEST_CASE("parallel tasks each run once, with threads or without") {
  const auto sum_below = [](std::size_t count, std::size_t threads) {
    std::atomic<std::size_t> sum{0};
    vecdb::run_parallel(count, threads, [&](std::size_t i) { sum += i; });
    return sum.load();
  };
  for (const std::size_t threads : {0, 1, 3}) {
    CHECK(sum_below(0, threads) == 0);
    CHECK(sum_below(1000, threads) == 499'500);
  }
  const NoThreads no_threads;
  CHECK(sum_below(1000, 3) == 499'500);
}

TEST_CASE("what a parallel task throws comes out, and no other is begun") {
  std::size_t run = 0;
  const auto task = [&](std::size_t i) {
    if (i == 5) throw std::runtime_error("broken");
    ++run;
  };
  CHECK_THROWS_WITH(vecdb::run_parallel(1000, 1, task), "broken");
  CHECK(run == 5);
  const auto each = [](std::size_t) { throw std::runtime_error("all broken"); };
  CHECK_THROWS_WITH(vecdb::run_parallel(1000, 3, each), "all broken");
}

TEST_CASE("a pool without a single thread is an error") {
  const NoThreads no_threads;
  try {
    WorkerPool pool(3);
    FAIL("it has threads");
  } catch (const vecdb::Error& error) {
    CHECK(error.kind() == vecdb::ErrorKind::k_io);
  }
}

}  // namespace
