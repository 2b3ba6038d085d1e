#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/encoder/encoder_memory.h"
#include "model/model.h"

namespace vecdb {

// k_model: as the model's own pipeline makes them; k_unit: scaled to length 1 in any case.
enum class VectorLength { k_model, k_unit };

// What becomes of a text with more tokens than the model's window, where it is read as one: the
// rest is left out, or it is read in consecutive parts and its vector is their mean.
enum class LongText { k_cut, k_average };

// A text as the encoder reads it.
struct TokenizedText {
  // The tokens of each part, the model's own words and special tokens included: as many as the
  // window holds, at most. One part, unless a long text is averaged. None when it would be and not
  // one character of it fits.
  std::vector<std::vector<TokenId>> parts;
  std::size_t tokens = 0;  // of the text as one, before any cut
  bool truncated = false;  // whether the encoder sees less than all of it

  std::size_t tokens_read() const noexcept;
};

struct Embeddings {
  std::vector<float> vectors;               // texts × dimension, row-major
  std::vector<std::uint32_t> token_counts;  // a text's tokens before the cut to the window
  std::vector<bool> truncated;              // a text's: whether the encoder saw less than all of it
};

// Which arithmetic `--precision auto` means on this machine: bf16 where the level of instruction
// sets (native_level.h) multiplies it, which is faster than f32; else f32. Throws as that does.
Precision native_precision();

// Makes the encoder of a model: Model::make_encoder(), or where another process has one at hand.
using EncoderSource =
    std::function<std::shared_ptr<const Encoder>(const Model&, Precision, Engine)>;

// Texts to vectors. The same text gives the same bits alone, in any batch and with any number of
// threads: texts are packed without padding, and a worker computes on its own thread only.
class Embedder {
 public:
  // `threads` workers, at least 1. The encoder is made at the first text to encode, by `source` if
  // there is one. `max_memory`:
  // bytes that encoding may take beside the weights; it decides how much is encoded at a time.
  // Without it, a quarter of the memory that is available then, and a text that needs more is
  // encoded alone.
  Embedder(Model model, Precision precision, std::size_t threads,
           std::optional<std::size_t> max_memory = std::nullopt, Engine engine = Engine::k_auto,
           EncoderSource source = {});

  // Lets vectors have their first `dimension` components only. Throws k_usage unless the model was
  // trained for that (ModelManifest::dimensions).
  void cut_to(std::size_t dimension);

  const Model& model() const noexcept { return m_model; }
  std::size_t dimension() const noexcept { return m_dimension; }  // of a vector
  Precision precision() const noexcept { return m_precision; }
  // The engine that is meant by what was asked for.
  Engine engine() const;
  // Made now if it was not yet. From then on several threads may encode at the same time.
  const Encoder& encoder();

  // Texts must be well-formed UTF-8; the prompt is the model's own or an empty one.
  std::vector<TokenizedText> tokenize(std::span<const std::string_view> texts, const Prompt& prompt,
                                      LongText long_text) const;

  // Consecutive parts of a text, each of which fits the window as a text of its own. Nothing when
  // not one character does beside the model's own words.
  std::optional<std::vector<std::string_view>> divide(std::string_view text,
                                                      const Prompt& prompt) const;

  // One vector a text, texts × dimension(), row-major; each text must have a part and been
  // tokenized with the same prompt. That of several parts is the mean of their vectors as the model
  // makes them, each weighted with its tokens. Stops early, returning nothing, when an interrupt is
  // pending. Throws k_io before anything is encoded when a text needs more than `max_memory`.
  std::optional<std::vector<float>> encode(std::span<const TokenizedText> texts,
                                           const Prompt& prompt, VectorLength length);

  // Both steps at once; long texts are cut.
  std::optional<Embeddings> embed(std::span<const std::string_view> texts, const Prompt& prompt,
                                  VectorLength length);

 private:
  Tokens tokens_of(std::string_view text, const Prompt& prompt) const;
  std::size_t batch_tokens(std::size_t budget) const noexcept;
  void refuse_too_long(std::span<const std::span<const TokenId>> parts) const;
  std::size_t memory_for(std::span<const std::span<const TokenId>> parts) const;
  std::optional<std::vector<float>> encode_parts(std::span<const std::span<const TokenId>> parts,
                                                 int task);

  Model m_model;
  Precision m_precision;
  Engine m_engine;
  std::size_t m_threads;
  std::size_t m_dimension;
  std::optional<std::size_t> m_max_memory;
  ActivationMemory m_memory;
  EncoderSource m_source;
  std::shared_ptr<const Encoder> m_encoder;
};

}  // namespace vecdb
