#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/model.h"

namespace vecdb {

// What a text is to the model: some models were trained with other words in front of a question
// than of a passage.
enum class TextRole { k_plain, k_query, k_passage };

// k_model: as the model's own pipeline makes them; k_unit: scaled to length 1 in any case.
enum class VectorLength { k_model, k_unit };

struct Embeddings {
  std::vector<float> vectors;               // texts × dimension, row-major
  std::vector<std::uint32_t> token_counts;  // a text's tokens before the cut to the window
  std::vector<bool> truncated;              // a text's: whether the encoder saw less than all of it
};

// Which arithmetic `--precision auto` means on this machine: bf16 where the processor multiplies it
// natively (AVX512-BF16), else f32.
Precision native_precision();

// Texts to vectors. The same text gives the same bits alone, in any batch and with any number of
// threads: texts are packed without padding, and a worker computes on its own thread only.
class Embedder {
 public:
  // `threads` workers, at least 1. The encoder is made at the first embed().
  Embedder(Model model, Precision precision, std::size_t threads);

  const Model& model() const noexcept { return m_model; }
  Precision precision() const noexcept { return m_precision; }

  // Texts must be well-formed UTF-8. Stops early, returning nothing, when an interrupt is pending.
  std::optional<Embeddings> embed(std::span<const std::string_view> texts, TextRole role,
                                  VectorLength length);

 private:
  const Prompt& prompt_of(TextRole role) const noexcept;
  std::vector<Tokens> tokenize(std::span<const std::string_view> texts, TextRole role) const;

  Model m_model;
  Precision m_precision;
  std::size_t m_threads;
  std::shared_ptr<const Encoder> m_encoder;
};

}  // namespace vecdb
