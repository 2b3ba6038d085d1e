#include "model/encoder/encoder_memory.h"

#include <algorithm>

namespace vecdb {

namespace {

constexpr std::size_t k_number_bytes = 4;  // also for bf16, whose biases are f32
// What a worker's heap holds of small activations, and libtorch's own.
constexpr std::size_t k_base_bytes = 32U << 20U;
constexpr std::size_t k_block_queries = 256;  // scripts/graphs/alibi.py
constexpr std::size_t k_score_copies = 2;     // biases, and what attention makes of them

bool has_alibi(const EncoderShape& encoder) {
  return encoder.architecture.starts_with("jina-bert");
}

// Outputs of the widest product of a layer: of the MLP, whose gate stands beside what it gates, or
// of queries, keys and values at once.
std::size_t widest_output(const EncoderShape& encoder) {
  const std::size_t inner = (has_alibi(encoder) ? 2 : 1) * encoder.intermediate_size;
  const std::size_t stacked = (encoder.architecture == "jina-v3" ? 3 : 1) * encoder.hidden_size;
  return std::max(inner, stacked);
}

}  // namespace

ActivationMemory::ActivationMemory(const EncoderShape& encoder) {
  const std::size_t hidden = encoder.hidden_size;
  m_token_bytes = k_number_bytes * 2 * (widest_output(encoder) + hidden);
  // x, query, key, value, result, copy; with rotary positions queries and keys once more, turned.
  const bool rotary = encoder.rope_base > 0;
  m_attention_token_bytes = k_number_bytes * (rotary ? 12 : 6) * hidden;
  if (has_alibi(encoder)) {
    m_score_bytes = k_number_bytes * k_score_copies * encoder.num_attention_heads * k_block_queries;
  }
}

std::size_t ActivationMemory::bytes(std::size_t tokens, std::size_t longest) const noexcept {
  const std::size_t attention = m_attention_token_bytes * tokens + m_score_bytes * longest;
  return k_base_bytes + std::max(m_token_bytes * tokens, attention);
}

MemoryBudget::Share::Share(MemoryBudget& budget, std::size_t bytes)
    : m_budget(budget), m_bytes(std::min(bytes, budget.m_bytes)) {
  std::unique_lock lock(budget.m_mutex);
  budget.m_freed.wait(lock, [&] { return m_bytes <= budget.m_bytes - budget.m_used; });
  budget.m_used += m_bytes;
}

MemoryBudget::Share::~Share() {
  {
    const std::lock_guard lock(m_budget.m_mutex);
    m_budget.m_used -= m_bytes;
  }
  m_budget.m_freed.notify_all();
}

}  // namespace vecdb
