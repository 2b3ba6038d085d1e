#include "base/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <new>
#include <system_error>

#include "base/error.h"

namespace vecdb {

std::vector<std::thread> start_threads(std::size_t count, const std::function<void()>& work) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  try {
    while (threads.size() < count) threads.emplace_back(work);
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  return threads;
}

std::vector<std::thread> start_some_threads(std::size_t count, const std::function<void()>& work) {
  std::vector<std::thread> threads = start_threads(count, work);
  if (!threads.empty()) return threads;
  throw Error(ErrorKind::k_io,
              "a thread: the system gives none; raise its limit of processes (ulimit -u), or end "
              "others");
}

void run_parallel(std::size_t count, std::size_t threads,
                  const std::function<void(std::size_t)>& task) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) task(i);
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  const std::size_t most = std::max<std::size_t>(std::min(threads, count), 1);
  std::vector<std::thread> others = start_threads(most - 1, work);
  work();
  for (std::thread& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
}

WorkerPool::WorkerPool(std::size_t threads)
    : m_threads(start_some_threads(threads, [this] { work(); })) {}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(m_mutex);
    m_ended = true;
    m_tasks.clear();
  }
  m_changed.notify_all();
  for (std::thread& thread : m_threads) thread.join();
}

void WorkerPool::add(std::function<void()> task) {
  {
    const std::lock_guard lock(m_mutex);
    m_tasks.push_back(std::move(task));
  }
  m_changed.notify_all();  // glibc before 2.41 may lose what wakes one only (its bug 25847)
}

void WorkerPool::work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(m_mutex);
      m_changed.wait(lock, [this] { return m_ended || !m_tasks.empty(); });
      if (m_ended) return;
      task = std::move(m_tasks.front());
      m_tasks.pop_front();
    }
    task();
  }
}

}  // namespace vecdb
