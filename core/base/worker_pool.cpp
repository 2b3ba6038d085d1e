#include "base/worker_pool.h"

#include <string>
#include <system_error>

#include "base/error.h"

namespace vecdb {

WorkerPool::WorkerPool(std::size_t threads) {
  try {
    for (std::size_t i = 0; i < threads; ++i) m_threads.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    if (m_threads.empty()) {
      throw Error(ErrorKind::k_io, std::string("cannot start a thread: ") + error.what());
    }
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
