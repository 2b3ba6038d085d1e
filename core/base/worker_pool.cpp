#include "base/worker_pool.h"

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

WorkerPool::WorkerPool(std::size_t threads)
    : m_threads(start_threads(threads, [this] { work(); })) {
  if (m_threads.empty()) {
    throw Error(ErrorKind::k_io,
                "a thread: the system gives none; raise its limit of processes (ulimit -u), or end "
                "others");
  }
}

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
  m_changed.notify_one();
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
