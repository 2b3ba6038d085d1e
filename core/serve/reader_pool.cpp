#include "serve/reader_pool.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "base/error.h"

namespace vecdb {

namespace {

constexpr std::size_t k_most_idle = 8;

}  // namespace

ReaderPool::ReaderPool(std::filesystem::path store, StoreSettings settings, std::size_t threads)
    : m_store(std::move(store)), m_settings(std::move(settings)), m_threads(threads) {}

ReaderPool::Lease ReaderPool::take() {
  // Before it is opened: then it is never older than it is said to be.
  const StoreState state = committed_state(m_store);
  for (;;) {
    Idle found;
    {
      const std::lock_guard lock(m_mutex);
      if (m_idle.empty()) break;
      found = std::move(m_idle.back());
      m_idle.pop_back();
    }
    if (found.state == state && found.reader->has_unchanged_files()) {
      return {found.reader.release(), {.pool = this, .state = state}};
    }
  }
  auto reader = std::make_unique<StoreReader>(m_store, m_threads);
  if (reader->settings() != m_settings) {
    throw Error(ErrorKind::k_io, m_store.string() +
                                     ": is another store now, of another model or precision; start "
                                     "its server again");
  }
  return {reader.release(), {.pool = this, .state = state}};
}

void ReaderPool::close_stale() {
  {
    const std::lock_guard lock(m_mutex);
    if (m_idle.empty()) return;  // a server that nobody asks reads nothing
  }
  std::optional<StoreState> state;
  try {
    state = committed_state(m_store);
  } catch (const Error&) {  // it is gone or damaged: whoever asks is told
  }
  std::vector<Idle> stale;  // closed without the lock
  const std::lock_guard lock(m_mutex);
  const auto kept = std::partition(m_idle.begin(), m_idle.end(),
                                   [&](const Idle& idle) { return idle.state == state; });
  std::move(kept, m_idle.end(), std::back_inserter(stale));
  m_idle.erase(kept, m_idle.end());
}

void ReaderPool::Return::operator()(StoreReader* reader) const noexcept {
  std::unique_ptr<StoreReader> owned(reader);
  try {
    const std::lock_guard lock(pool->m_mutex);
    if (pool->m_idle.size() < k_most_idle) {
      pool->m_idle.push_back({.state = state, .reader = std::move(owned)});
    }
  } catch (const std::bad_alloc&) {  // it is closed instead
  }
}

}  // namespace vecdb
