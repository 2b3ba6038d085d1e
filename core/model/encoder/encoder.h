#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/encoder/architecture.h"
#include "model/encoder/safetensors.h"
#include "model/tokenizer/tokenizer.h"

namespace vecdb {

// The numbers of products. k_int8, whole numbers of 8 bits for weights and what they are multiplied
// with, is the native engine's only.
enum class Precision { k_f32, k_bf16, k_int8 };

// What computes an encoder: vecdb's own code, or libtorch, which runs the graph of any architecture
// and is what the other one is compared with. k_auto: the native engine where it can.
enum class Engine { k_auto, k_native, k_torchscript };

// Several texts packed into one row of tokens, without padding: text i is
// ids[starts[i]] … ids[starts[i + 1]].
struct PackedTokens {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> starts{0};

  void append(std::span<const TokenId> text);
  std::size_t texts() const noexcept { return starts.size() - 1; }
};

// The neural network: tokens in, one vector a text out. A text's vector has the same bits whatever
// else is in the batch. Calls from several threads are safe; each runs on its own thread only.
class Encoder {
 public:
  virtual ~Encoder() = default;
  // `task`: which of the model's adapters, by their order; -1 for none.
  // Returns texts() × dimension floats, row-major, as the model's own pipeline makes them (pooled,
  // and unit length only where the model says so). Ids must be inside the vocabulary, no text empty
  // and none longer than the window. Throws k_model when the graph fails.
  virtual std::vector<float> encode(const PackedTokens& batch, int task) const = 0;

 protected:
  Encoder() = default;
  Encoder(const Encoder&) = default;
  Encoder& operator=(const Encoder&) = default;
};

// What an encoder is made from. The spans must outlive it: weights are used where they lie when
// dtype and alignment allow.
struct EncoderParts {
  EncoderShape shape;
  std::span<const std::byte> graph;  // a TorchScript archive whose sha256 is already proven
  std::string graph_name;            // for errors
  // Exactly those that the graph asks for, by the names it uses.
  std::vector<std::pair<std::string, TensorView>> weights;
  std::map<std::string, double> options;  // the numbers that the graph asks for
  std::size_t dimension = 0;
  Precision precision = Precision::k_f32;
};

// The engines that can compute such an encoder on this machine, the one that k_auto means first.
std::vector<Engine> engines_for(const EncoderShape& shape);

// Loads the engine's module (once a process) and makes an encoder. Throws k_model for a graph or
// weights that do not fit each other, and where the native engine is asked for, by `engine` or by
// k_int8, and cannot compute this; k_io when the module cannot be loaded.
std::shared_ptr<const Encoder> make_encoder(const EncoderParts& parts, Engine engine);

// "2.13.0": of the libtorch that vecdb was built with; does not load it.
std::string torch_version();

}  // namespace vecdb
