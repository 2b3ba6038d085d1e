#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/encoder/native/activations.h"
#include "model/encoder/native/f32.h"
#include "model/encoder/native/hadamard.h"
#include "model/encoder/native/linear.h"

// Whole numbers of 8 bits, from -127 to 127: weights as they are, activations with 128 added, because
// the instruction wants them without a sign. Sums are exact in 32 bits (2^31 / 127² numbers would be
// too many), and so the same on every processor. They are no attention's numbers.
//
// Rows are rounded after a Hadamard transform. A few columns of a layer norm's results are up to 20
// times as large as the others; the scale would be theirs, and leave the others with a few steps.
// Transformed, the numbers of every row lie alike (Ashkboos et al. 2024, arXiv:2404.00456).
namespace vecdb::native {

struct Int8 {
#if defined(__AVX512VNNI__)
  using Stored = std::uint8_t;
#else
  using Stored = std::int16_t;  // byte products would be cut to 16 bits
#endif
  using Sum = std::int32_t;
  struct Session {};
  static constexpr Accuracy k_accuracy = Accuracy::k_bf16;
  static constexpr std::size_t k_depth = sizeof(Sum) / sizeof(Stored);
  static constexpr std::size_t k_rows = F32::k_rows;
  static constexpr std::size_t k_stretch = k_pair;
  static constexpr bool k_finishes_between = false;

  // Rounds to whole numbers.
  static void store(Stored* to, Pair x) {
#if defined(__AVX512VNNI__)
    store_bytes(to, x.low);
    store_bytes(to + k_lanes, x.high);
#else
    store_words(to, x.low);
    store_words(to + k_lanes, x.high);
#endif
  }

  static Pair load_sums(const Sum* from) {
    return {to_floats(load_ints(from)), to_floats(load_ints(from + k_lanes))};
  }

  static void pack_rows(const Stored* rows, std::size_t stride, std::size_t depth, Stored* panel) {
    for (std::size_t k = 0; k < depth; k += k_depth) {
      for (std::size_t n = 0; n < k_pair; ++n) {
        std::copy_n(rows + n * stride + k, k_depth, panel + k * k_pair + n * k_depth);
      }
    }
  }

  template <typename Between>
  static void block(const Stored* rows, std::size_t stride, const Stored* panel, std::size_t depth,
                    const Sum* start, Sum* out, std::size_t out_stride, Between&& between) {
    Ints low[k_rows];
    Ints high[k_rows];
#pragma GCC unroll 16
    for (std::size_t m = 0; m < k_rows; ++m) {
      low[m] = start ? load_ints(start) : zero_ints();
      high[m] = start ? load_ints(start + k_lanes) : zero_ints();
    }
    const auto step = [&](std::size_t k) {
      const Ints right_low = load_ints(panel + k * k_pair);
      const Ints right_high = load_ints(panel + k * k_pair + k_depth * k_lanes);
#pragma GCC unroll 16
      for (std::size_t m = 0; m < k_rows; ++m) {
        std::int32_t group;
        std::memcpy(&group, rows + m * stride + k, sizeof group);
        const Ints left = broadcast_int(group);
        low[m] = add_products(low[m], left, right_low);
        high[m] = add_products(high[m], left, right_high);
      }
    };
    for (std::size_t k = 0; k < depth;) {
      for (const std::size_t end = std::min(depth, k + k_stretch); k < end; k += k_depth) step(k);
      between();
    }
#pragma GCC unroll 16
    for (std::size_t m = 0; m < k_rows; ++m) {
      store_ints(out + m * out_stride, low[m]);
      store_ints(out + m * out_stride + k_lanes, high[m]);
    }
  }

 private:
  static Ints add_products(Ints sums, Ints left, Ints right) {
#if defined(__AVX512VNNI__)
    return add_byte_products(sums, left, right);
#else
    return add_word_products(sums, left, right);
#endif
  }
};

// Each row has a scale of its own, from its transform's number that is farthest from zero.
template <>
class Activations<Int8> : public Rows<Int8::Stored> {
 public:
  static constexpr int k_zero = 128;  // what 0 is stored as

  Activations(std::size_t rows, std::size_t columns)
      : Rows(rows, columns), m_scales(rows), m_transform(columns) {}

  const float* scales() const noexcept { return m_scales.data(); }

  // `columns`, a multiple of k_pair, of them; read(column) returns a Pair.
  template <typename Read>
  void quantize(std::size_t row, std::size_t columns, Read&& read) {
    const float most = hadamard_transform(columns, read, m_transform.data());
    m_scales.data()[row] = most / 127;
    const Floats factor = broadcast(most > 0 ? 127 / most : 0);
    const Floats zero = broadcast(k_zero);
    Int8::Stored* to = (*this)[row];
    for (std::size_t i = 0; i < columns; i += k_pair) {
      const Pair x = load_pair(m_transform.data() + i);
      Int8::store(to + i, {fma(x.low, factor, zero), fma(x.high, factor, zero)});
    }
  }

 private:
  Buffer<float> m_scales;
  Buffer<float> m_transform;  // of one row
};

// So has each column of weights. With its scale t and whole weights q, a row's scale s and stored
// numbers u, and transforms of n numbers, the result is
//
//   Σ s · (u - 128) · t · q / n + bias = s · t / n · (Σ u · q - 128 · Σ q) + bias
template <>
class Linear<Int8> {
 public:
  template <typename Weight, typename Bias>
  Linear(std::size_t columns, std::size_t depth, Weight&& weight, Bias&& bias)
      : m_panels(columns, depth),
        m_start(m_panels.columns()),
        m_scale(m_panels.columns()),
        m_bias(m_panels.columns()) {
    const std::size_t wide = m_panels.depth();
    Rows<float> row(1, wide);
    Rows<Int8::Stored> rows(k_pair, wide);
    for (std::size_t first = 0; first < m_panels.columns(); first += k_pair) {
      for (std::size_t i = 0; i < k_pair; ++i) {
        const std::size_t column = first + i;
        std::fill_n(row[0], wide, 0.0F);
        if (column < columns) weight(column, row[0]);
        m_bias.data()[column] = column < columns ? bias(column) : 0.0F;
        quantize(column, row[0], wide, rows[i]);
      }
      Int8::pack_rows(rows[0], rows.stride(), m_panels.depth(), m_panels.panel(first));
    }
  }

  template <typename Finish>
  void operator()(const Activations<Int8>& rows, std::size_t first, std::size_t count,
                  const Finish& finish) const {
    multiply<Int8>(rows[first], rows.stride(), count, m_panels, m_start.data(),
                   [&finish, scales = rows.scales() + first, this](std::size_t row,
                                                                   std::size_t column, Pair sums) {
                     const Floats scale = broadcast(scales[row]);
                     const auto result = [&](Floats sum, std::size_t i) {
                       return fma(sum * scale, load(m_scale.data() + i), load(m_bias.data() + i));
                     };
                     finish(row, column, Pair{result(sums.low, column),
                                              result(sums.high, column + k_lanes)});
                   });
  }

 private:
  void quantize(std::size_t column, float* weights, std::size_t count, Int8::Stored* to) {
    const float most = hadamard_transform(
        count, [weights](std::size_t k) { return load_pair(weights + k); }, weights);
    const Floats factor = broadcast(most > 0 ? 127 / most : 0);
    Floats total = broadcast(0.0F);  // exact: whole, and below 2^24
    for (std::size_t k = 0; k < count; k += k_pair) {
      const Pair x = load_pair(weights + k);
      const Pair whole = {nearest(x.low * factor), nearest(x.high * factor)};
      total = total + (whole.low + whole.high);
      Int8::store(to + k, whole);
    }
    m_start.data()[column] = -Activations<Int8>::k_zero * static_cast<std::int32_t>(sum(total));
    m_scale.data()[column] = most / 127 / static_cast<float>(hadamard_size(count));
  }

  Panels<Int8> m_panels;
  Buffer<std::int32_t> m_start;  // -128 · Σ q
  Buffer<float> m_scale;         // t / n
  Buffer<float> m_bias;
};

}  // namespace vecdb::native
