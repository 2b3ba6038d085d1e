#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "model/encoder/native/functions.h"
#include "model/encoder/native/product.h"

namespace vecdb::native {

// Queries, keys and values stand side by side in a row, and in each of them the heads. A head is
// filled up with zeros to whole pairs of registers and steps of a product.
struct Heads {
  std::size_t count = 0;
  std::size_t width = 0;   // numbers of a head
  std::size_t stride = 0;  // from one head to the next

  std::size_t columns() const noexcept { return count * stride; }
};

// Softmax attention inside one text, head by head; the scores of a block of queries at a time, all
// keys of the text at once. Slopes, one a head, are those of attention with linear biases:
//
//   score[i, j] = q_i · k_j / sqrt(width) - slope · |i - j|
template <typename Number>
class Attention {
 public:
  using Stored = typename Number::Stored;

  // Room for texts of up to so many tokens.
  Attention(const Heads& heads, std::span<const float> slopes, std::size_t longest)
      : m_heads(heads),
        m_slopes(slopes),
        m_keys(round_up(longest, k_pair), heads.stride),
        m_values(heads.stride, round_up(longest, k_pair)),
        m_scores(Number::k_rows, round_up(longest, k_pair)),
        m_shares(Number::k_rows, round_up(longest, k_pair)) {
    for (std::size_t row = 0; row < Number::k_rows; ++row) {
      std::fill_n(m_shares[row], round_up(longest, k_pair), Stored{});
    }
  }

  // The text's rows of `out` from those of `stacked`, which has k_rows readable rows after them.
  void operator()(const Rows<Stored>& stacked, std::size_t begin, std::size_t end,
                  Rows<Stored>& out) {
    const std::size_t length = end - begin;
    for (std::size_t head = 0; head < m_heads.count; ++head) {
      const std::size_t column = head * m_heads.stride;
      pack(stacked, begin, length, column);
      for (std::size_t first = 0; first < length; first += Number::k_rows) {
        score(stacked[begin + first] + column, stacked.stride(), length);
        const std::size_t rows = std::min(Number::k_rows, length - first);
        for (std::size_t row = 0; row < rows; ++row) {
          m_factors[row] = 1.0F / softmax(row, first + row, length, head);
        }
        mix(out, begin + first, rows, column, length);
      }
    }
  }

 private:
  void pack(const Rows<Stored>& stacked, std::size_t begin, std::size_t length,
            std::size_t column) {
    const Stored* keys = stacked[begin] + m_heads.columns() + column;
    for (std::size_t key = 0; key < length; key += k_pair) {
      Number::pack_rows(keys + key * stacked.stride(), stacked.stride(), m_heads.stride,
                        m_keys.panel(key));
    }
    const Stored* values = stacked[begin] + 2 * m_heads.columns() + column;
    for (std::size_t i = 0; i < m_heads.stride; i += k_pair) {
      Number::pack_columns(values + i, stacked.stride(), length, round_up(length, Number::k_depth),
                           m_values.panel(i));
    }
  }

  void score(const Stored* queries, std::size_t stride, std::size_t length) {
    for (std::size_t key = 0; key < length; key += k_pair) {
      Number::block(queries, stride, m_keys.panel(key), m_heads.stride, k_zeros,
                    m_scores[0] + key, m_scores.stride(), [] {});
    }
  }

  // A row of scores to a row of shares that are not divided by their sum yet, which is returned.
  // Powers of 2: log2(e) is in the factor.
  float softmax(std::size_t row, std::size_t position, std::size_t length, std::size_t head) {
    constexpr float log2_e = 1.44269504F;
    float* scores = m_scores[row];
    float factor = log2_e / std::sqrt(static_cast<float>(m_heads.width));
    const std::size_t whole = length / k_pair * k_pair;
    const Floats lowest = broadcast(-1e30F);  // times the factor it is no infinity
    for (std::size_t i = whole; i < length; i += k_lanes) {
      store(scores + i, first_lanes(std::min(length - i, k_lanes), load(scores + i), lowest));
    }
    for (std::size_t i = round_up(length, k_lanes); i < round_up(length, k_pair); i += k_lanes) {
      store(scores + i, lowest);
    }
    if (!m_slopes.empty()) {
      add_biases(scores, length, factor, position, m_slopes[head] * log2_e);
      factor = 1;
    }
    Pair most = {lowest, lowest};
    for (std::size_t i = 0; i < length; i += k_pair) {
      const Pair x = load_pair(scores + i);
      most = {larger(most.low, x.low), larger(most.high, x.high)};
    }
    const Floats factors = broadcast(factor);
    const Floats shift = broadcast(-factor * largest(larger(most.low, most.high)));
    Pair sums = {broadcast(0.0F), broadcast(0.0F)};
    for (std::size_t i = 0; i < length; i += k_pair) {
      const Pair x = load_pair(scores + i);
      const Pair share = {power_of_two<Number::k_accuracy>(fma(x.low, factors, shift)),
                          power_of_two<Number::k_accuracy>(fma(x.high, factors, shift))};
      sums = {sums.low + share.low, sums.high + share.high};
      Number::store(m_shares[row] + i, share);
    }
    return sum(sums.low + sums.high);
  }

  static void add_biases(float* scores, std::size_t length, float factor, std::size_t position,
                         float slope) {
    const Floats factors = broadcast(factor);
    const Floats slopes = broadcast(-slope);
    Floats distance = counting() - broadcast(static_cast<float>(position));
    for (std::size_t i = 0; i < length; i += k_lanes) {
      store(scores + i, fma(magnitude(distance), slopes, load(scores + i) * factors));
      distance = distance + broadcast(static_cast<float>(k_lanes));
    }
  }

  void mix(Rows<Stored>& out, std::size_t first, std::size_t rows, std::size_t column,
           std::size_t length) {
    alignas(k_cache_line) float sums[Number::k_rows * k_pair];
    for (std::size_t i = 0; i < m_heads.stride; i += k_pair) {
      Number::block(m_shares[0], m_shares.stride(), m_values.panel(i),
                    round_up(length, Number::k_depth), k_zeros, sums, k_pair, [] {});
      for (std::size_t row = 0; row < rows; ++row) {
        const Pair x = load_pair(sums + row * k_pair);
        const Floats factor = broadcast(m_factors[row]);
        Number::store(out[first + row] + column + i, Pair{x.low * factor, x.high * factor});
      }
    }
  }

  alignas(k_cache_line) static constexpr float k_zeros[k_pair] = {};

  Heads m_heads;
  std::span<const float> m_slopes;
  Panels<Number> m_keys;
  Panels<Number> m_values;
  Rows<float> m_scores;
  Rows<Stored> m_shares;
  float m_factors[Number::k_rows] = {};
};

}  // namespace vecdb::native
