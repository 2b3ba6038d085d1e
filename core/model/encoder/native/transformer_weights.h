#pragma once

// How Transformer takes its weights out of a checkpoint. What is filled up is zero on both sides of
// a product, so that no result sees it.

#include "model/encoder/native/transformer.h"

namespace vecdb::native {

template <typename Number, typename Attended>
Transformer<Number, Attended>::Transformer(const EncoderParts& parts)
    : m_shape(parts.shape),
      m_pool_first(parts.options.at("pool_first") != 0),
      m_unit_length(parts.options.at("normalize") != 0),
      m_tensors(parts.weights),
      m_heads{.count = m_shape.num_attention_heads,
              .width = m_shape.hidden_size / m_shape.num_attention_heads,
              .stride = round_up(m_shape.hidden_size / m_shape.num_attention_heads, k_pair)},
      m_wide(round_up(m_shape.hidden_size, k_pair)),
      m_inner(round_up(m_shape.intermediate_size, k_pair)),
      m_slopes(is_jina() ? alibi_slopes(m_heads.count) : std::vector<float>{}),
      m_embedding_norm(make_norm("embeddings.LayerNorm")) {
  static_assert(k_pair % Number::k_depth == 0);
  for (std::size_t i = 0; i < m_shape.num_hidden_layers; ++i) m_layers.push_back(make_layer(i));
}

template <typename Number, typename Attended>
LayerNorm Transformer<Number, Attended>::make_norm(const std::string& name) const {
  LayerNorm norm{.size = m_shape.hidden_size,
                 .columns = m_wide,
                 .scale = Buffer<float>(m_wide),
                 .shift = Buffer<float>(m_wide),
                 .epsilon = static_cast<float>(m_shape.layer_norm_eps)};
  std::fill_n(norm.scale.data(), m_wide, 0.0F);
  std::fill_n(norm.shift.data(), m_wide, 0.0F);
  m_tensors.read(name + ".weight", 0, norm.size, norm.scale.data());
  m_tensors.read(name + ".bias", 0, norm.size, norm.shift.data());
  return norm;
}

// Over all heads at once, each of which is filled up.
template <typename Number, typename Attended>
LayerNorm Transformer<Number, Attended>::make_head_norm(const std::string& name) const {
  const LayerNorm plain = make_norm(name);
  const std::size_t columns = m_heads.columns();
  LayerNorm norm{.size = plain.size,
                 .columns = columns,
                 .scale = Buffer<float>(columns),
                 .shift = Buffer<float>(columns),
                 .epsilon = plain.epsilon};
  for (std::size_t i = 0; i < columns; ++i) {
    const std::size_t head = i / m_heads.stride;
    const std::size_t place = i % m_heads.stride;
    const std::size_t from = head * m_heads.width + place;
    norm.scale.data()[i] = place < m_heads.width ? plain.scale.data()[from] : 0.0F;
    norm.shift.data()[i] = place < m_heads.width ? plain.shift.data()[from] : 0.0F;
  }
  return norm;
}

template <typename Number, typename Attended>
Linear<Number> Transformer<Number, Attended>::make_stacked(const std::string& own) const {
  // The name and row of what stands in a column, if anything does.
  struct Place {
    std::string name;
    std::size_t row;
    bool is_filling;
  };
  const auto place_of = [&](std::size_t column) {
    static constexpr const char* parts[] = {"query", "key", "value"};
    const std::size_t in_part = column % m_heads.columns();
    const std::size_t in_head = in_part % m_heads.stride;
    return Place{.name = own + parts[column / m_heads.columns()],
                 .row = in_part / m_heads.stride * m_heads.width + in_head,
                 .is_filling = in_head >= m_heads.width};
  };
  std::vector<float> biases(m_shape.hidden_size);
  std::string biases_of;
  return Linear<Number>(
      3 * m_heads.columns(), m_wide,
      [&](std::size_t column, float* row) {
        const Place place = place_of(column);
        if (place.is_filling) return;
        m_tensors.read(place.name + ".weight", place.row, m_shape.hidden_size, row);
      },
      [&](std::size_t column) {
        const Place place = place_of(column);
        if (place.is_filling) return 0.0F;
        if (biases_of != place.name) {
          m_tensors.read(place.name + ".bias", 0, biases.size(), biases.data());
          biases_of = place.name;
        }
        return biases[place.row];
      });
}

template <typename Number, typename Attended>
Linear<Number> Transformer<Number, Attended>::make_linear(const std::string& name, std::size_t columns,
                                                std::size_t depth) const {
  std::vector<float> biases(columns);
  m_tensors.read(name + ".bias", 0, columns, biases.data());
  return Linear<Number>(
      columns, round_up(depth, k_pair),
      [&](std::size_t column, float* row) { m_tensors.read(name + ".weight", column, depth, row); },
      [&](std::size_t column) { return biases[column]; });
}

// Its input is the heads' results, filled up as they are.
template <typename Number, typename Attended>
Linear<Number> Transformer<Number, Attended>::make_attention_output(const std::string& name) const {
  std::vector<float> biases(m_shape.hidden_size);
  std::vector<float> weights(m_shape.hidden_size);
  m_tensors.read(name + ".bias", 0, biases.size(), biases.data());
  return Linear<Number>(
      m_shape.hidden_size, m_heads.columns(),
      [&](std::size_t column, float* row) {
        m_tensors.read(name + ".weight", column, weights.size(), weights.data());
        for (std::size_t head = 0; head < m_heads.count; ++head) {
          std::copy_n(weights.data() + head * m_heads.width, m_heads.width,
                      row + head * m_heads.stride);
        }
      },
      [&](std::size_t column) { return biases[column]; });
}

// Each pair of registers has what is gated in its lower half and the factors in its upper one.
template <typename Number, typename Attended>
Linear<Number> Transformer<Number, Attended>::make_gated(const std::string& name, bool gate_is_first) const {
  const std::size_t inner = m_shape.intermediate_size;
  return Linear<Number>(
      2 * m_inner, m_wide,
      [&](std::size_t column, float* row) {
        const std::size_t i = column / k_pair * k_lanes + column % k_lanes;
        if (i >= inner) return;
        const bool is_gate = column % k_pair < k_lanes;
        m_tensors.read(name, is_gate == gate_is_first ? i : inner + i, m_shape.hidden_size, row);
      },
      [](std::size_t) { return 0.0F; });
}

template <typename Number, typename Attended>
auto Transformer<Number, Attended>::make_layer(std::size_t number) const -> Layer {
  const std::string layer = "encoder.layer." + std::to_string(number) + ".";
  const std::string own = layer + "attention.self.";
  const std::size_t wide = m_shape.hidden_size;
  const std::size_t inner = m_shape.intermediate_size;
  const std::string output = layer + "attention.output.";
  if (has_qk_norm()) {
    return {.stacked = make_stacked(own),
            .query_norm = make_head_norm(own + "layer_norm_q"),
            .key_norm = make_head_norm(own + "layer_norm_k"),
            .attention = make_attention_output(output + "dense"),
            .attention_norm = make_norm(output + "LayerNorm"),
            .residual_norm = make_norm(layer + "layer_norm_1"),
            .up = make_gated(layer + "mlp.up_gated_layer.weight", false),
            .down = make_linear(layer + "mlp.down_layer", wide, inner),
            .mlp_norm = make_norm(layer + "layer_norm_2")};
  }
  return {.stacked = make_stacked(own),
          .query_norm = {},
          .key_norm = {},
          .attention = make_attention_output(output + "dense"),
          .attention_norm = make_norm(output + "LayerNorm"),
          .residual_norm = {},
          .up = is_jina() ? make_gated(layer + "mlp.gated_layers.weight", true)
                          : make_linear(layer + "intermediate.dense", inner, wide),
          .down = make_linear(layer + (is_jina() ? "mlp.wo" : "output.dense"), wide, inner),
          .mlp_norm = make_norm(layer + (is_jina() ? "mlp.layernorm" : "output.LayerNorm"))};
}

}  // namespace vecdb::native
