#pragma once

// How Transformer turns a batch into vectors.

#include "model/encoder/native/transformer.h"

namespace vecdb::native {

// Texts that are attended to together: as many as there is room for, or one that is longer.
template <typename Number, typename Attended>
auto Transformer<Number, Attended>::make_groups(const PackedTokens& batch) -> std::vector<Group> {
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

template <typename Number, typename Attended>
Transformer<Number, Attended>::State::State(const Transformer& encoder, const PackedTokens& batch)
    : groups(make_groups(batch)),
      rows(round_up(batch.ids.size(), Number::k_rows)),
      residual(rows, encoder.m_wide),
      // A group's last block reads on beyond the last row.
      input(rows + Number::k_rows, std::max(encoder.m_wide, encoder.m_heads.columns())),
      stacked(largest_group(), 3 * encoder.m_heads.columns()),
      inner(std::min(rows, k_rows_at_a_time), encoder.m_inner),
      attended(k_is_quantized ? largest_group() : 0, encoder.m_heads.columns()),
      between(k_is_quantized ? std::min(rows, k_rows_at_a_time) : 0, encoder.m_inner) {}

// With what a block of queries or keys reads beyond the last text.
template <typename Number, typename Attended>
std::size_t Transformer<Number, Attended>::State::largest_group() const {
  std::size_t largest = 0;
  for (const Group& group : groups) largest = std::max(largest, group.count);
  return round_up(largest, Number::k_rows) + std::max(Attended::k_rows, k_pair);
}

template <typename Number, typename Attended>
std::vector<float> Transformer<Number, Attended>::encode(const PackedTokens& batch, int) const {
  if (batch.texts() == 0) return {};
  std::size_t longest = 0;
  for (std::size_t i = 0; i < batch.texts(); ++i) {
    longest = std::max(longest, static_cast<std::size_t>(batch.starts[i + 1] - batch.starts[i]));
  }
  [[maybe_unused]] const typename Attended::Session session;
  State state(*this, batch);
  Attention<Attended> attention(m_heads, m_slopes, longest);
  embed(batch, state);
  for (const Layer& layer : m_layers) run_layer(layer, attention, state);
  return pool(batch, state);
}

template <typename Number, typename Attended>
void Transformer<Number, Attended>::embed(const PackedTokens& batch, State& state) const {
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
template <typename Number, typename Attended>
void Transformer<Number, Attended>::normalize(const LayerNorm& norm, State& state, std::size_t first,
                                    std::size_t count) const {
  for (std::size_t row = first; row < first + count; ++row) {
    float* x = state.residual[row];
    const auto read = [&](std::size_t i) { return load_pair(x + i); };
    if constexpr (k_is_quantized) {
      norm(read, [&](std::size_t i, Pair y) { store_pair(x + i, y); });
      state.input.quantize(row, m_wide, read);
    } else {
      norm(read, [&, input = state.input[row]](std::size_t i, Pair y) {
        store_pair(x + i, y);
        Number::store(input + i, y);
      });
    }
  }
}

template <typename Number, typename Attended>
void Transformer<Number, Attended>::normalize_heads(const Layer& layer, State& state, std::size_t row) const {
  Stored* query = state.stacked[row];
  Stored* key = query + m_heads.columns();
  (*layer.query_norm)([&](std::size_t i) { return Attended::load(query + i); },
                      [&](std::size_t i, Pair x) { Attended::store(query + i, x); });
  (*layer.key_norm)([&](std::size_t i) { return Attended::load(key + i); },
                    [&](std::size_t i, Pair x) { Attended::store(key + i, x); });
}

template <typename Number, typename Attended>
void Transformer<Number, Attended>::run_layer(const Layer& layer, Attention<Attended>& attention,
                                    State& state) const {
  for (const Group& group : state.groups) {
    const std::size_t count = round_up(group.count, Number::k_rows);
    layer.stacked(state.input, group.first, count,
                  [out = state.stacked[0], stride = state.stacked.stride()](
                      std::size_t row, std::size_t column, Pair x) {
                    Attended::store(out + row * stride + column, x);
                  });
    if (layer.query_norm) {
      for (std::size_t row = 0; row < group.count; ++row) normalize_heads(layer, state, row);
    }
    // What was the input is not needed any more: the results take its place.
    for (const Text& text : group.texts) {
      const std::size_t begin = text.begin - group.first;
      const std::size_t length = text.end - text.begin;
      if constexpr (k_is_quantized) {
        attention(state.stacked, begin, length, state.attended, begin);
      } else {
        attention(state.stacked, begin, length, state.input, text.begin);
      }
    }
    if constexpr (k_is_quantized) {
      quantize(state.attended, group.count, m_heads.columns(), state.input, group.first);
    }
  }
  for (std::size_t first = 0; first < state.rows; first += k_rows_at_a_time) {
    finish_rows(layer, state, first, std::min(k_rows_at_a_time, state.rows - first));
  }
}

// What follows attention, where rows have nothing more to do with one another.
template <typename Number, typename Attended>
void Transformer<Number, Attended>::finish_rows(const Layer& layer, State& state, std::size_t first,
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
    layer.attention(state.input, first, count, add);
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
    layer.attention(state.input, first, count, add);
    normalize(layer.attention_norm, state, first, count);
  }
  run_mlp(layer, state, first, count);
  layer.down(state.inner, 0, count, add);
  normalize(layer.mlp_norm, state, first, count);
}

template <typename Number, typename Attended>
void Transformer<Number, Attended>::run_mlp(const Layer& layer, State& state, std::size_t first,
                                  std::size_t count) const {
  constexpr Accuracy accuracy = Number::k_accuracy;
  Rows<Stored>& results = results_of_mlp(state);
  Stored* out = results[0];
  const std::size_t stride = results.stride();
  if (is_jina()) {
    layer.up(state.input, first, count,
             [out, stride](std::size_t row, std::size_t column, Pair x) {
               Attended::store(out + row * stride + column / 2, gelu<accuracy>(x.low) * x.high);
             });
  } else {
    layer.up(state.input, first, count,
             [out, stride](std::size_t row, std::size_t column, Pair x) {
               Attended::store(out + row * stride + column,
                               Pair{gelu<accuracy>(x.low), gelu<accuracy>(x.high)});
             });
  }
  if constexpr (k_is_quantized) quantize(results, count, m_inner, state.inner, 0);
}

template <typename Number, typename Attended>
auto Transformer<Number, Attended>::results_of_mlp(State& state) -> Rows<Stored>& {
  if constexpr (k_is_quantized) {
    return state.between;
  } else {
    return state.inner;
  }
}

template <typename Number, typename Attended>
void Transformer<Number, Attended>::quantize(const Rows<Stored>& rows, std::size_t count,
                                             std::size_t columns, Activations<Number>& to,
                                             std::size_t first) {
  for (std::size_t row = 0; row < count; ++row) {
    const Stored* from = rows[row];
    to.quantize(first + row, columns, [from](std::size_t i) { return Attended::load(from + i); });
  }
}

template <typename Number, typename Attended>
std::vector<float> Transformer<Number, Attended>::pool(const PackedTokens& batch, const State& state) const {
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
