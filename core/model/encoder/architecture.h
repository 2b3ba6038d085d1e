#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vecdb {

// The sizes and numbers of one encoder, under the names that its config.json gives them.
struct EncoderShape {
  std::string architecture;  // a name that find_architecture() knows
  std::size_t num_hidden_layers = 0;
  std::size_t num_attention_heads = 0;
  std::size_t hidden_size = 0;
  std::size_t intermediate_size = 0;
  std::size_t vocab_size = 0;
  std::size_t type_vocab_size = 0;
  std::size_t max_position_embeddings = 0;
  double layer_norm_eps = 0;
  std::size_t first_position = 0;  // a text's first; RoBERTa leaves those up to padding's unused
  double rope_base = 0;            // of rotary positions; 0 where there are none
  std::vector<std::string>
      adapters;  // the tasks that have a LoRA adapter, in the order of its rows
  std::size_t lora_rank = 0;
  double lora_alpha = 0;
};

// A family of encoders, of any size, and what its published checkpoints look like.
struct Architecture {
  std::string_view name;    // in model.json
  std::string_view graph;   // which of scripts/make_graphs.py computes it
  bool native;              // whether vecdb's own engine computes it too
  std::string_view prefix;  // "bert.": what checkpoints made for training put before each name
  // Tensors that published checkpoints may hold and sentence encoders do not use: under the prefix,
  // where there is one, and beside it (the heads of the pre-training tasks). This is the whole
  // list.
  std::vector<std::string_view> ignored;
  std::vector<std::string_view> ignored_heads;
};

// nullptr for a name that is not known.
const Architecture* find_architecture(std::string_view name);

using TensorShape = std::vector<std::int64_t>;  // a matrix is [out, in]

// Exactly the tensors that such an encoder has, without the prefix.
std::map<std::string, TensorShape> tensors_of(const EncoderShape& shape);

// The tokens that the encoder has positions for.
std::size_t longest_text(const EncoderShape& shape);

// What the graph wants to know beside tokens and weights.
std::map<std::string, double> graph_options_of(const EncoderShape& shape);

// The TorchScript archive of the architecture's graph, as it was built into the program.
std::span<const std::byte> graph_of(const Architecture& architecture);

}  // namespace vecdb
