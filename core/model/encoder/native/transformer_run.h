#pragma once

// How Transformer turns a batch into vectors.

#include "model/encoder/native/transformer.h"

namespace vecdb::native {

// Texts that are attended to together: as many as there is room for, or one that is longer.
template <typename Number>
auto Transformer<Number>::make_groups(const PackedTokens& batch) -> std::vector<Group> {
  std::vector<Group> groups;
  for (std::size_t text = 0; text < batch.texts(); ++text) {
    const auto begin = static_cast<std::size_t>(batch.starts[text]);
    const auto end = static_cast<std::size_t>(batch.starts[text + 1]);
    if (groups.empty() || end - groups.back().first > k_rows_attended) {
      groups.push_back({.first = begin, .count = 0, .texts = {}});
    }
    groups.back().count = end - groups.back().first;
    groups.back().texts.push_back({.begin = begin, .end = end});
  }
  return groups;
}

template <typename Number>
Transformer<Number>::State::State(const Transformer& encoder, const PackedTokens& batch)
    : groups(make_groups(batch)),
      rows(round_up(batch.ids.size(), Number::k_rows)),
      residual(rows, encoder.m_wide),
      // A group's last block reads on beyond the last row.
      input(rows + Number::k_rows, std::max(encoder.m_wide, encoder.m_heads.columns())),
      stacked(largest_group(), 3 * encoder.m_heads.columns()),
      inner(std::min(rows, k_rows_at_a_time), encoder.m_inner) {}

// With what a block of queries or keys reads beyond the last text.
template <typename Number>
std::size_t Transformer<Number>::State::largest_group() const {
  std::size_t largest = 0;
  for (const Group& group : groups) largest = std::max(largest, group.count);
  return round_up(largest, Number::k_rows) + std::max(Number::k_rows, k_pair);
}

template <typename Number>
std::vector<float> Transformer<Number>::encode(const PackedTokens& batch, int) const {
  if (batch.texts() == 0) return {};
  std::size_t longest = 0;
  for (std::size_t i = 0; i < batch.texts(); ++i) {
    longest = std::max(longest, static_cast<std::size_t>(batch.starts[i + 1] - batch.starts[i]));
  }
  [[maybe_unused]] const typename Number::Session session;
  State state(*this, batch);
  Attention<Number> attention(m_heads, m_slopes, longest);
  embed(batch, state);
  for (const Layer& layer : m_layers) run_layer(layer, attention, state);
  return pool(batch, state);
}

template <typename Number>
void Transformer<Number>::embed(const PackedTokens& batch, State& state) const {
  const std::size_t wide = m_shape.hidden_size;
  std::vector<float> type(m_wide);
  std::vector<float> row(m_wide);
  m_tensors.read("embeddings.token_type_embeddings.weight", 0, wide, type.data());
  for (std::size_t text = 0; text < batch.texts(); ++text) {
    const auto begin = static_cast<std::size_t>(batch.starts[text]);
    const auto end = static_cast<std::size_t>(batch.starts[text + 1]);
    for (std::size_t i = begin; i < end; ++i) {
      float* x = state.residual[i];
      std::fill_n(x, m_wide, 0.0F);
      m_tensors.read("embeddings.word_embeddings.weight", static_cast<std::size_t>(batch.ids[i]),
                     wide, x);
      for (std::size_t c = 0; c < wide; ++c) x[c] += type[c];
      if (!has_positions()) continue;
      m_tensors.read("embeddings.position_embeddings.weight", m_shape.first_position + i - begin,
                     wide, row.data());
      for (std::size_t c = 0; c < wide; ++c) x[c] += row[c];
    }
  }
  normalize(m_embedding_norm, state, 0, batch.ids.size());
}

// The residual's rows, in place, and as the next product's input.
template <typename Number>
void Transformer<Number>::normalize(const LayerNorm& norm, State& state, std::size_t first,
                                    std::size_t count) const {
  for (std::size_t row = first; row < first + count; ++row) {
    float* x = state.residual[row];
    Stored* input = state.input[row];
    norm([&](std::size_t i) { return load_pair(x + i); },
         [&](std::size_t i, Pair y) {
           store_pair(x + i, y);
           Number::store(input + i, y);
         });
  }
}

template <typename Number>
void Transformer<Number>::normalize_heads(const Layer& layer, State& state, std::size_t row) const {
  Stored* query = state.stacked[row];
  Stored* key = query + m_heads.columns();
  (*layer.query_norm)([&](std::size_t i) { return Number::load(query + i); },
                      [&](std::size_t i, Pair x) { Number::store(query + i, x); });
  (*layer.key_norm)([&](std::size_t i) { return Number::load(key + i); },
                    [&](std::size_t i, Pair x) { Number::store(key + i, x); });
}

template <typename Number>
void Transformer<Number>::run_layer(const Layer& layer, Attention<Number>& attention,
                                    State& state) const {
  for (const Group& group : state.groups) {
    const std::size_t count = round_up(group.count, Number::k_rows);
    layer.stacked(state.input[group.first], state.input.stride(), count,
                  [out = state.stacked[0], stride = state.stacked.stride()](
                      std::size_t row, std::size_t column, Pair x) {
                    Number::store(out + row * stride + column, x);
                  });
    if (layer.query_norm) {
      for (std::size_t row = 0; row < group.count; ++row) normalize_heads(layer, state, row);
    }
    // What was the input is not needed any more: the results take its place.
    for (const Text& text : group.texts) {
      attention(state.stacked, text.begin - group.first, text.end - text.begin, state.input,
                text.begin);
    }
  }
  for (std::size_t first = 0; first < state.rows; first += k_rows_at_a_time) {
    finish_rows(layer, state, first, std::min(k_rows_at_a_time, state.rows - first));
  }
}

// What follows attention, where rows have nothing more to do with one another.
template <typename Number>
void Transformer<Number>::finish_rows(const Layer& layer, State& state, std::size_t first,
                                      std::size_t count) const {
  const auto add = [to = state.residual[first], stride = state.residual.stride()](
                       std::size_t row, std::size_t column, Pair x) {
    float* residual = to + row * stride + column;
    const Pair old = load_pair(residual);
    store_pair(residual, {x.low + old.low, x.high + old.high});
  };
  if (layer.residual_norm) {
    // x + LayerNorm(x + y): what was added to is needed once more.
    Rows<float> before(count, m_wide);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(state.residual[first + i], m_wide, before[i]);
    layer.attention(state.input[first], state.input.stride(), count, add);
    for (std::size_t i = 0; i < count; ++i) {
      float* x = state.residual[first + i];
      layer.attention_norm([&](std::size_t c) { return load_pair(x + c); },
                           [&](std::size_t c, Pair y) {
                             const Pair old = load_pair(before[i] + c);
                             store_pair(x + c, {y.low + old.low, y.high + old.high});
                           });
    }
    normalize(*layer.residual_norm, state, first, count);
  } else {
    layer.attention(state.input[first], state.input.stride(), count, add);
    normalize(layer.attention_norm, state, first, count);
  }
  run_mlp(layer, state, first, count);
  layer.down(state.inner[0], state.inner.stride(), count, add);
  normalize(layer.mlp_norm, state, first, count);
}

template <typename Number>
void Transformer<Number>::run_mlp(const Layer& layer, State& state, std::size_t first,
                                  std::size_t count) const {
  constexpr Accuracy accuracy = Number::k_accuracy;
  Stored* out = state.inner[0];
  const std::size_t stride = state.inner.stride();
  if (is_jina()) {
    layer.up(state.input[first], state.input.stride(), count,
             [out, stride](std::size_t row, std::size_t column, Pair x) {
               Number::store(out + row * stride + column / 2, gelu<accuracy>(x.low) * x.high);
             });
  } else {
    layer.up(state.input[first], state.input.stride(), count,
             [out, stride](std::size_t row, std::size_t column, Pair x) {
               Number::store(out + row * stride + column,
                             Pair{gelu<accuracy>(x.low), gelu<accuracy>(x.high)});
             });
  }
}

template <typename Number>
std::vector<float> Transformer<Number>::pool(const PackedTokens& batch, const State& state) const {
  const std::size_t wide = m_shape.hidden_size;
  std::vector<float> vectors(batch.texts() * wide);
  for (std::size_t text = 0; text < batch.texts(); ++text) {
    const auto begin = static_cast<std::size_t>(batch.starts[text]);
    const auto end = m_pool_first ? begin + 1 : static_cast<std::size_t>(batch.starts[text + 1]);
    float* vector = vectors.data() + text * wide;
    for (std::size_t row = begin; row < end; ++row) {
      for (std::size_t c = 0; c < wide; ++c) vector[c] += state.residual[row][c];
    }
    double squares = 0;
    for (std::size_t c = 0; c < wide; ++c) {
      vector[c] /= static_cast<float>(end - begin);
      squares += static_cast<double>(vector[c]) * static_cast<double>(vector[c]);
    }
    if (!m_unit_length) continue;
    const auto length = static_cast<float>(std::max(std::sqrt(squares), 1e-12));
    for (std::size_t c = 0; c < wide; ++c) vector[c] /= length;
  }
  return vectors;
}

}  // namespace vecdb::native
