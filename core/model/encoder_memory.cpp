#include "model/encoder_memory.h"

#include <algorithm>

namespace vecdb {

namespace {

constexpr std::size_t k_number_bytes = 4;  // also for bf16, whose biases are f32
// What a worker's heap holds of small activations, and libtorch's own.
constexpr std::size_t k_base_bytes = 32U << 20U;
constexpr std::size_t k_block_queries = 256;  // scripts/encoders/alibi.py
constexpr std::size_t k_score_copies = 2;     // biases, and what attention makes of them
// Not in model.json; that of every published encoder with ALiBi.
constexpr std::size_t k_head_width = 64;

// Outputs of the widest product of a layer.
std::size_t widest_output(const ModelManifest& manifest) {
  std::size_t widest = manifest.dimension;
  for (const auto& [name, tensor] : manifest.tensors) {
    if (tensor.shape.size() != 2 || name.find("embeddings") != std::string::npos) continue;
    widest = std::max(widest, static_cast<std::size_t>(tensor.shape[0]));
  }
  return widest;
}

}  // namespace

ActivationMemory::ActivationMemory(const ModelManifest& manifest) {
  const std::size_t hidden = manifest.dimension;
  m_token_bytes = k_number_bytes * 2 * (widest_output(manifest) + hidden);
  m_attention_token_bytes = k_number_bytes * 6 * hidden;  // x, query, key, value, result, copy
  if (manifest.architecture == "jina-bert") {
    const std::size_t heads = (hidden + k_head_width - 1) / k_head_width;
    m_score_bytes = k_number_bytes * k_score_copies * heads * k_block_queries;
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
