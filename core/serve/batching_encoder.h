#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "model/encoder/encoder.h"
#include "model/encoder/encoder_memory.h"

namespace vecdb {

// An encoder for many callers at a time: what they bring is cut into texts, and a thread takes a few
// of them, one of each caller in turn, as one batch. So a question shares a batch with others, and
// does not wait for the end of a long ingest. What else is in a batch never changes a vector.
//
// There are as many places for threads that compute as there are workers. A caller takes one itself
// where one is free: to hand a lone question over and back would take longer than its tokens.
class BatchingEncoder final : public Encoder {
 public:
  // `dimension` of its vectors. At least one worker: throws k_io where the system gives no thread.
  // `max_memory`: see Embedder.
  BatchingEncoder(std::shared_ptr<const Encoder> encoder, std::size_t dimension,
                  const ActivationMemory& memory, std::size_t max_memory, std::size_t workers);
  // No call may be going on.
  ~BatchingEncoder() override;
  BatchingEncoder(const BatchingEncoder&) = delete;
  BatchingEncoder& operator=(const BatchingEncoder&) = delete;

  std::vector<float> encode(const PackedTokens& batch, int task) const override;

 private:
  struct Call;
  struct Text;

  void work() const;
  void work_once(std::unique_lock<std::mutex>& lock) const;
  bool may_work() const { return m_busy < m_places && !m_waiting.empty(); }
  std::vector<Text> take_batch() const;
  void compute(const std::vector<Text>& batch) const;

  std::shared_ptr<const Encoder> m_encoder;
  std::size_t m_dimension;
  ActivationMemory m_memory;
  mutable MemoryBudget m_budget;
  mutable std::mutex m_mutex;
  mutable std::condition_variable m_work;  // there may be some
  mutable std::condition_variable m_done;  // a call may be over
  mutable std::vector<Call*> m_waiting;    // those with texts that nobody has taken yet
  std::size_t m_places;
  mutable std::size_t m_busy = 0;
  bool m_ended = false;
  std::vector<std::thread> m_workers;
};

}  // namespace vecdb
