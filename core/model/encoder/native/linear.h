#pragma once

#include <algorithm>
#include <cstddef>

#include "model/encoder/native/activations.h"
#include "model/encoder/native/product.h"

namespace vecdb::native {

// The weights of x·Wᵀ + b, packed once.
template <typename Number>
class Linear {
 public:
  using Stored = typename Number::Stored;

  // weight(column, row) writes the weights of output `column` into `row`, which has `depth` zeros;
  // bias(column) returns its bias. Columns that stand for nothing write and return zeros.
  template <typename Weight, typename Bias>
  Linear(std::size_t columns, std::size_t depth, Weight&& weight, Bias&& bias)
      : m_panels(columns, depth), m_bias(m_panels.columns()) {
    Rows<float> row(1, m_panels.depth() + k_pair);
    Rows<Stored> rows(k_pair, m_panels.depth() + k_pair);
    for (std::size_t first = 0; first < m_panels.columns(); first += k_pair) {
      for (std::size_t i = 0; i < k_pair; ++i) {
        std::fill_n(row[0], m_panels.depth() + k_pair, 0.0F);
        if (first + i < columns) weight(first + i, row[0]);
        m_bias.data()[first + i] = first + i < columns ? bias(first + i) : 0.0F;
        for (std::size_t k = 0; k < m_panels.depth(); k += k_pair) {
          Number::store(rows[i] + k, load_pair(row[0] + k));
        }
      }
      Number::pack_rows(rows[0], rows.stride(), m_panels.depth(), m_panels.panel(first));
    }
  }

  // finish(row - first, column, Pair) for `count` rows, a multiple of k_rows.
  template <typename Finish>
  void operator()(const Activations<Number>& rows, std::size_t first, std::size_t count,
                  const Finish& finish) const {
    multiply<Number>(rows[first], rows.stride(), count, m_panels, m_bias.data(), finish);
  }

 private:
  Panels<Number> m_panels;
  Buffer<float> m_bias;
};

}  // namespace vecdb::native
