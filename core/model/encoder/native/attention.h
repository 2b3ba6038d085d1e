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

// Softmax attention inside one text, head by head, for a block of queries at a time. Slopes, one a
// head, are those of attention with linear biases:
//
//   score[i, j] = q_i · k_j / sqrt(width) - slope · |i - j|
//
// Keys come in portions, so that their scores stay in the cache. The sums so far are scaled down
// when a portion has a larger score than those before it (Milakov and Gimelshein 2018,
// arXiv:1805.02867). Portions are counted from the text's first key: its bits depend on nothing
// else.
template <typename Number>
class Attention {
 public:
  using Stored = typename Number::Stored;

  // Room for texts of up to so many tokens.
  Attention(const Heads& heads, std::span<const float> slopes, std::size_t longest)
      : m_heads(heads),
        m_slopes(slopes),
        m_factor(k_log2_e / std::sqrt(static_cast<float>(heads.width))),
        m_keys(round_up(longest, k_pair), heads.stride),
        m_values(heads.stride, round_up(longest, k_pair)),
        m_scores(Number::k_rows, k_portion),
        m_shares(Number::k_rows, k_portion),
        m_mixed(k_queries, heads.stride) {
    for (std::size_t row = 0; row < Number::k_rows; ++row) {
      std::fill_n(m_shares[row], k_portion, Stored{});
    }
  }

  // The text's rows of `out`, from `to` on, out of those of `stacked` from `begin` on, after which
  // a block of rows and a panel are readable.
  void operator()(const Rows<Stored>& stacked, std::size_t begin, std::size_t length,
                  Rows<Stored>& out, std::size_t to) {
    m_length = length;
    for (m_head = 0; m_head < m_heads.count; ++m_head) {
      const std::size_t column = m_head * m_heads.stride;
      pack(stacked, begin, column);
      for (std::size_t first = 0; first < length; first += k_queries) {
        const std::size_t end = std::min(length, first + k_queries);
        for (std::size_t key = 0; key < length; key += k_portion) {
          for (m_first = first; m_first < end; m_first += Number::k_rows) {
            m_place = m_first - first;
            attend(stacked[begin + m_first] + column, stacked.stride(), key);
          }
        }
        for (std::size_t query = first; query < end; ++query) {
          finish(query - first, out[to + query] + column);
        }
      }
    }
  }

 private:
  static constexpr float k_log2_e = 1.44269504F;
  static constexpr std::size_t k_portion = 256;                  // keys
  static constexpr std::size_t k_queries = 8 * Number::k_rows;  // that a portion is used for in turn

  std::size_t rows() const { return std::min(Number::k_rows, m_length - m_first); }

  void pack(const Rows<Stored>& stacked, std::size_t begin, std::size_t column) {
    const Stored* keys = stacked[begin] + m_heads.columns() + column;
    for (std::size_t key = 0; key < m_length; key += k_pair) {
      Number::pack_rows(keys + key * stacked.stride(), stacked.stride(), m_heads.stride,
                        m_keys.panel(key));
    }
    const Stored* values = stacked[begin] + 2 * m_heads.columns() + column;
    for (std::size_t i = 0; i < m_heads.stride; i += k_pair) {
      Number::pack_columns(values + i, stacked.stride(), m_length,
                           round_up(m_length, Number::k_depth), m_values.panel(i));
    }
  }

  // The block's queries and the keys from `key` on.
  void attend(const Stored* queries, std::size_t stride, std::size_t key) {
    const std::size_t keys = std::min(k_portion, m_length - key);
    for (std::size_t i = 0; i < keys; i += k_pair) {
      Number::block(queries, stride, m_keys.panel(key + i), m_heads.stride, nullptr,
                    m_scores[0] + i, m_scores.stride(), [] {});
    }
    for (std::size_t row = 0; row < rows(); ++row) share(row, key, keys);
    alignas(k_cache_line) float sums[Number::k_rows * k_pair];
    for (std::size_t i = 0; i < m_heads.stride; i += k_pair) {
      Number::block(m_shares[0], m_shares.stride(), m_values.panel(i) + key * k_pair,
                    round_up(keys, Number::k_depth), nullptr, sums, k_pair, [] {});
      for (std::size_t row = 0; row < rows(); ++row) {
        add_mixed(m_mixed[m_place + row] + i, load_pair(sums + row * k_pair), key == 0);
      }
    }
  }

  static void add_mixed(float* mixed, Pair x, bool is_first) {
    if (!is_first) {
      const Pair old = load_pair(mixed);
      x = {x.low + old.low, x.high + old.high};
    }
    store_pair(mixed, x);
  }

  // A row of scores to its shares: powers of 2 (log2(e) is in the factor) of the distance to the
  // largest score so far, not divided by their sum yet.
  void share(std::size_t row, std::size_t key, std::size_t keys) {
    float* scores = m_scores[row];
    hide_beyond(scores, keys);
    float factor = m_factor;
    if (!m_slopes.empty()) {
      add_biases(scores, keys, static_cast<float>(m_first + row) - static_cast<float>(key));
      factor = 1;
    }
    Pair most = load_pair(scores);
    for (std::size_t i = k_pair; i < keys; i += k_pair) {
      const Pair x = load_pair(scores + i);
      most = {larger(most.low, x.low), larger(most.high, x.high)};
    }
    float largest_score = factor * largest(larger(most.low, most.high));
    const std::size_t query = m_place + row;
    if (key > 0) largest_score = rescale(query, largest_score);
    const Floats factors = broadcast(factor);
    const Floats shift = broadcast(-largest_score);
    Pair sums = {broadcast(0.0F), broadcast(0.0F)};
    for (std::size_t i = 0; i < keys; i += k_pair) {
      const Pair x = load_pair(scores + i);
      const Pair share = {power_of_two<Number::k_accuracy>(fma(x.low, factors, shift)),
                          power_of_two<Number::k_accuracy>(fma(x.high, factors, shift))};
      sums = {sums.low + share.low, sums.high + share.high};
      Number::store(m_shares[row] + i, share);
    }
    m_largest[query] = largest_score;
    m_sums[query] = sum(sums.low + sums.high) + (key > 0 ? m_sums[query] : 0);
  }

  // Scores of no key, up to a whole pair. Times the factor they are no infinity.
  static void hide_beyond(float* scores, std::size_t keys) {
    for (std::size_t i = keys / k_lanes * k_lanes; i < round_up(keys, k_pair); i += k_lanes) {
      const std::size_t left = i < keys ? keys - i : 0;
      if (left < k_lanes) {
        store(scores + i, first_lanes(left, load(scores + i), broadcast(-1e30F)));
      }
    }
  }

  // `distance`: from the first of the keys to the query.
  void add_biases(float* scores, std::size_t keys, float distance) const {
    const Floats factors = broadcast(m_factor);
    const Floats slopes = broadcast(-m_slopes[m_head] * k_log2_e);
    Floats distances = counting() - broadcast(distance);
    for (std::size_t i = 0; i < keys; i += k_lanes) {
      store(scores + i, fma(magnitude(distances), slopes, load(scores + i) * factors));
      distances = distances + broadcast(static_cast<float>(k_lanes));
    }
  }

  // Makes the sums so far ones of the distance to the larger of both scores, which is returned.
  float rescale(std::size_t query, float score) {
    if (score <= m_largest[query]) return m_largest[query];
    const Floats scale = power_of_two<Accuracy::k_f32>(broadcast(m_largest[query] - score));
    float* mixed = m_mixed[query];
    for (std::size_t i = 0; i < m_heads.stride; i += k_lanes) {
      store(mixed + i, load(mixed + i) * scale);
    }
    m_sums[query] *= first(scale);
    return score;
  }

  void finish(std::size_t query, Stored* out) {
    const Floats scale = broadcast(1.0F / m_sums[query]);
    for (std::size_t i = 0; i < m_heads.stride; i += k_pair) {
      const Pair x = load_pair(m_mixed[query] + i);
      Number::store(out + i, Pair{x.low * scale, x.high * scale});
    }
  }

  Heads m_heads;
  std::span<const float> m_slopes;
  float m_factor;  // of the scores
  Panels<Number> m_keys;
  Panels<Number> m_values;
  // Of a block of queries:
  Rows<float> m_scores;
  Rows<Stored> m_shares;
  // Of as many as a portion of keys is used for:
  Rows<float> m_mixed;
  float m_largest[k_queries] = {};
  float m_sums[k_queries] = {};
  // Where the work stands:
  std::size_t m_length = 0;
  std::size_t m_head = 0;
  std::size_t m_first = 0;  // query of the block
  std::size_t m_place = 0;  // of that, among those that a portion is used for
};

}  // namespace vecdb::native
