#include "serve/batching_encoder.h"

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include "base/worker_pool.h"

namespace vecdb {

namespace {

// Enough for the matrix products, few enough that the next one to ask waits some hundredths of a
// second.
constexpr std::size_t k_batch_tokens = 512;

}  // namespace

// One encode() that waits.
struct BatchingEncoder::Call {
  const PackedTokens& batch;
  int task;
  std::vector<float> vectors;
  std::size_t taken = 0;  // texts
  std::size_t done = 0;
  std::exception_ptr failure = nullptr;

  bool has_more() const { return taken < batch.texts(); }
  // Also when texts were not begun: nothing of it is wanted after a failure.
  bool is_over() const { return done == taken && (failure || !has_more()); }
  std::span<const std::int64_t> ids(std::size_t text) const {
    const auto begin = static_cast<std::size_t>(batch.starts[text]);
    return std::span(batch.ids)
        .subspan(begin, static_cast<std::size_t>(batch.starts[text + 1]) - begin);
  }
};

struct BatchingEncoder::Text {
  Call* call = nullptr;
  std::size_t number = 0;
};

BatchingEncoder::BatchingEncoder(std::shared_ptr<const Encoder> encoder, std::size_t dimension,
                                 const ActivationMemory& memory, std::size_t max_memory,
                                 std::size_t workers)
    : m_encoder(std::move(encoder)),
      m_dimension(dimension),
      m_memory(memory),
      m_budget(max_memory),
      m_places(std::max<std::size_t>(workers, 1)),
      m_workers(start_some_threads(m_places, [this] { work(); })) {}

BatchingEncoder::~BatchingEncoder() {
  {
    const std::lock_guard lock(m_mutex);
    m_ended = true;
  }
  m_work.notify_all();
  for (std::thread& worker : m_workers) worker.join();
}

std::vector<float> BatchingEncoder::encode(const PackedTokens& batch, int task) const {
  if (batch.texts() == 0) return {};
  Call call{.batch = batch, .task = task, .vectors = {}};
  call.vectors.resize(batch.texts() * m_dimension);
  std::unique_lock lock(m_mutex);
  m_waiting.push_back(&call);
  try {
    while (call.has_more() && !call.failure && may_work()) work_once(lock);
  } catch (...) {  // no memory for a batch
    std::erase(m_waiting, &call);
    call.failure = std::current_exception();
  }
  if (may_work()) m_work.notify_all();
  m_done.wait(lock, [&] { return call.is_over(); });
  if (call.failure) std::rethrow_exception(call.failure);
  return std::move(call.vectors);
}

void BatchingEncoder::work() const {
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_work.wait(lock, [this] { return m_ended || may_work(); });
    if (m_ended) return;
    work_once(lock);
  }
}

// Takes a batch and computes it, in a place that is free, without the lock.
void BatchingEncoder::work_once(std::unique_lock<std::mutex>& lock) const {
  const std::vector<Text> batch = take_batch();
  ++m_busy;
  // Whoever leaves something wakes those who may take it.
  if (may_work()) m_work.notify_all();
  lock.unlock();
  std::exception_ptr failure;
  try {
    compute(batch);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  --m_busy;
  for (const Text& text : batch) {
    ++text.call->done;
    if (!failure) continue;
    text.call->failure = failure;
    std::erase(m_waiting, text.call);
  }
  m_done.notify_all();
  if (may_work()) m_work.notify_all();
}

// Texts of one task, one of each call in turn. Whoever is passed over keeps its place, so that the
// call in front, which every batch serves, is the one that has waited longest.
std::vector<BatchingEncoder::Text> BatchingEncoder::take_batch() const {
  std::vector<Text> batch;
  batch.reserve(k_batch_tokens);  // whatever needs memory comes before the queue is touched
  const int task = m_waiting.front()->task;
  std::size_t tokens = 0;
  for (std::size_t passed_over = 0; passed_over < m_waiting.size();) {
    const auto place = m_waiting.begin() + static_cast<std::ptrdiff_t>(passed_over);
    Call* call = *place;
    const std::size_t length = call->ids(call->taken).size();
    if (call->task != task || (!batch.empty() && tokens + length > k_batch_tokens)) {
      ++passed_over;  // it does not fit later either: a batch only grows
      continue;
    }
    m_waiting.erase(place);
    batch.push_back({.call = call, .number = call->taken++});
    tokens += length;
    if (call->has_more()) m_waiting.push_back(call);
  }
  return batch;
}

void BatchingEncoder::compute(const std::vector<Text>& batch) const {
  PackedTokens packed;
  std::size_t longest = 0;
  for (const Text& text : batch) {
    const auto ids = text.call->ids(text.number);
    packed.ids.insert(packed.ids.end(), ids.begin(), ids.end());
    packed.starts.push_back(static_cast<std::int64_t>(packed.ids.size()));
    longest = std::max(longest, ids.size());
  }
  const MemoryBudget::Share share(m_budget, m_memory.bytes(packed.ids.size(), longest));
  const std::vector<float> vectors = m_encoder->encode(packed, batch.front().call->task);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    // Nobody else writes there, and the call waits until it is told.
    std::copy_n(vectors.begin() + static_cast<std::ptrdiff_t>(i * m_dimension), m_dimension,
                batch[i].call->vectors.begin() +
                    static_cast<std::ptrdiff_t>(batch[i].number * m_dimension));
  }
}

}  // namespace vecdb
