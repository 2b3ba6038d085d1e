#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>

#include "model/encoder/architecture.h"

namespace vecdb {

// How much memory an encoder needs for activations, beside its weights, whichever engine computes
// it. From measurements of TorchScript, which needs more than the native engine: the peak is one
// layer's, either in its MLP, where two results of the widest product stand side by side, or in
// attention with biases (ALiBi), whose score blocks have 256 queries.
class ActivationMemory {
 public:
  explicit ActivationMemory(const EncoderShape& encoder);

  // Bytes for a batch of so many tokens, whose longest text has so many. Meant as an upper bound,
  // in any precision.
  std::size_t bytes(std::size_t tokens, std::size_t longest) const noexcept;

 private:
  std::size_t m_token_bytes = 0;            // of each token, in the MLP
  std::size_t m_attention_token_bytes = 0;  // of each token, in attention
  std::size_t m_score_bytes = 0;            // of each token of the longest text, in attention
};

// Memory that workers share: one waits until what it needs is free.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t bytes) : m_bytes(bytes) {}

  std::size_t bytes() const noexcept { return m_bytes; }

  // Holds a share for as long as it lives. More than there is at all is let through alone.
  class Share {
   public:
    Share(MemoryBudget& budget, std::size_t bytes);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    MemoryBudget& m_budget;
    std::size_t m_bytes;
  };

 private:
  std::size_t m_bytes;
  std::size_t m_used = 0;
  std::mutex m_mutex;
  std::condition_variable m_freed;
};

}  // namespace vecdb
