#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "model/encoder/encoder.h"
#include "model/encoder/native/attention.h"
#include "model/encoder/native/layer_norm.h"
#include "model/encoder/native/linear.h"
#include "model/encoder/native/tensors.h"

namespace vecdb::native {

// The heads' slopes of attention with linear biases (Press et al. 2021, arXiv:2108.12409):
// 2^(-8 (h + 1) / n) for n heads, when n is a power of two. Otherwise those of the power of two
// below come first, and every other one of the power of two above follows, as many as are missing.
inline std::vector<float> alibi_slopes(std::size_t heads) {
  std::size_t below = 1;
  while (2 * below <= heads) below *= 2;
  std::vector<float> slopes;
  const auto add = [&](std::size_t step, std::size_t steps) {
    slopes.push_back(static_cast<float>(
        std::exp2(-8.0 * static_cast<double>(step) / static_cast<double>(steps))));
  };
  for (std::size_t i = 0; i < below; ++i) add(i + 1, below);
  for (std::size_t i = 0; i < heads - below; ++i) add(2 * i + 1, 2 * below);
  return slopes;
}

// BERT, XLM-RoBERTa and both kinds of JinaBERT, by the formulas of scripts/graphs/. Immutable.
// `Number` is what is multiplied with weights, `Attended` what attention multiplies; where they
// differ, everything between products is kept as the latter.
template <typename Number, typename Attended = Number>
class Transformer final : public Encoder {
 public:
  using Stored = typename Attended::Stored;

  explicit Transformer(const EncoderParts& parts);
  std::vector<float> encode(const PackedTokens& batch, int task) const override;

 private:
  struct Layer {
    Linear<Number> stacked;  // queries, keys and values
    std::optional<LayerNorm> query_norm;
    std::optional<LayerNorm> key_norm;
    Linear<Number> attention;
    LayerNorm attention_norm;
    std::optional<LayerNorm> residual_norm;  // after the residual is added once more
    Linear<Number> up;                       // with a gate: its halves of each pair of registers
    Linear<Number> down;
    LayerNorm mlp_norm;
  };

  struct Text {
    std::size_t begin;
    std::size_t end;
  };
  struct Group {
    std::size_t first;  // row
    std::size_t count;  // of rows
    std::vector<Text> texts;
  };

  // The activations of a batch. What stands beyond its tokens, and beyond a group's, is anything:
  // it never becomes part of another row.
  struct State {
    State(const Transformer& encoder, const PackedTokens& batch);
    std::size_t largest_group() const;

    std::vector<Group> groups;
    std::size_t rows;      // tokens, rounded up to whole blocks
    Rows<float> residual;  // what the layers add to
    Activations<Number> input;  // of the next product
    Rows<Stored> stacked;       // queries, keys and values of one group
    Activations<Number> inner;  // the MLP's
    // Where they are not the next product's input as they are:
    Rows<Stored> attended;  // attention's results, of one group
    Rows<Stored> between;   // the MLP's
  };

  // Rows that go through products together, so that what comes between stays in the cache.
  static constexpr std::size_t k_rows_attended = 416;
  static constexpr std::size_t k_rows_at_a_time = round_up(128, Number::k_rows);

  static constexpr bool k_is_quantized = !std::is_same_v<Number, Attended>;

  bool is_jina() const { return m_shape.architecture.starts_with("jina-bert"); }
  bool has_qk_norm() const { return m_shape.architecture == "jina-bert-qk-norm"; }
  bool has_positions() const { return !is_jina(); }

  LayerNorm make_norm(const std::string& name) const;
  LayerNorm make_head_norm(const std::string& name) const;
  Layer make_layer(std::size_t number) const;
  Linear<Number> make_stacked(const std::string& own) const;
  Linear<Number> make_linear(const std::string& name, std::size_t columns, std::size_t depth) const;
  Linear<Number> make_attention_output(const std::string& name) const;
  Linear<Number> make_gated(const std::string& name, bool gate_is_first) const;

  static std::vector<Group> make_groups(const PackedTokens& batch);
  void embed(const PackedTokens& batch, State& state) const;
  void run_layer(const Layer& layer, Attention<Attended>& attention, State& state) const;
  void normalize_heads(const Layer& layer, State& state, std::size_t row) const;
  void finish_rows(const Layer& layer, State& state, std::size_t first, std::size_t count) const;
  void run_mlp(const Layer& layer, State& state, std::size_t first, std::size_t count) const;
  void normalize(const LayerNorm& norm, State& state, std::size_t first, std::size_t count) const;
  static Rows<Stored>& results_of_mlp(State& state);
  static void quantize(const Rows<Stored>& rows, std::size_t count, std::size_t columns,
                       Activations<Number>& to, std::size_t first);
  std::vector<float> pool(const PackedTokens& batch, const State& state) const;

  EncoderShape m_shape;
  bool m_pool_first;
  bool m_unit_length;
  Tensors m_tensors;
  Heads m_heads;
  std::size_t m_wide;   // hidden_size, filled up
  std::size_t m_inner;  // intermediate_size, filled up
  std::vector<float> m_slopes;
  LayerNorm m_embedding_norm;
  std::vector<Layer> m_layers;
};

}  // namespace vecdb::native
