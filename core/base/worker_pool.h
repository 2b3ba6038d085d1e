#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace vecdb {

// Starts up to `count` threads that run `work`; fewer, or none, when the system gives no more.
std::vector<std::thread> start_threads(std::size_t count, const std::function<void()>& work);

// The same, and at least one: throws k_io when the system gives none.
std::vector<std::thread> start_some_threads(std::size_t count, const std::function<void()>& work);

// Runs task(i) for every i below `count` on up to `threads` threads, the caller's among them. The
// first exception stops the rest and is thrown again.
void run_parallel(std::size_t count, std::size_t threads,
                  const std::function<void(std::size_t)>& task);

// Threads that run tasks, the oldest first. Destroyed, it drops the tasks that no thread has begun
// (their futures break) and waits for the others.
class WorkerPool {
 public:
  // At least 1; fewer when the system gives no more. Throws k_io when it gives none.
  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // What the task throws, the future throws.
  template <typename Task>
  auto run(Task task) -> std::future<decltype(task())> {
    auto packaged = std::make_shared<std::packaged_task<decltype(task())()>>(std::move(task));
    auto result = packaged->get_future();
    add([packaged] { (*packaged)(); });
    return result;
  }

 private:
  void add(std::function<void()> task);
  void work();

  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<std::function<void()>> m_tasks;
  bool m_ended = false;
  std::vector<std::thread> m_threads;
};

}  // namespace vecdb
