#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/encoder/native/activations.h"
#include "model/encoder/native/f32.h"
#include "model/encoder/native/linear.h"

// Whole numbers of 8 bits: activations from 0 to 255, weights from -127 to 127. Their products are
// summed exactly in 32 bits (2^31 / (255 · 127) numbers would be too many), so that the sums are the
// same on every processor. They are no attention's numbers.
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
                    const Sum*, Sum* out, std::size_t out_stride, Between&& between) {
    Ints low[k_rows];
    Ints high[k_rows];
#pragma GCC unroll 16
    for (std::size_t m = 0; m < k_rows; ++m) low[m] = high[m] = zero_ints();
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

// x = lowest + step · (0 … 255)
struct RowScale {
  float step;
  float lowest;
};

// Each row has a scale of its own, from its smallest number to its largest one.
template <>
class Activations<Int8> : public Rows<Int8::Stored> {
 public:
  Activations(std::size_t rows, std::size_t columns) : Rows(rows, columns), m_scales(rows) {}

  const RowScale* scales() const noexcept { return m_scales.data(); }

  // `columns`, a multiple of k_pair, of them; read(column) returns a Pair.
  template <typename Read>
  void quantize(std::size_t row, std::size_t columns, Read&& read) {
    Pair low = read(0);
    Pair high = low;
    for (std::size_t i = k_pair; i < columns; i += k_pair) {
      const Pair x = read(i);
      low = {smaller(low.low, x.low), smaller(low.high, x.high)};
      high = {larger(high.low, x.low), larger(high.high, x.high)};
    }
    const float lowest = smallest(smaller(low.low, low.high));
    const float range = largest(larger(high.low, high.high)) - lowest;
    m_scales.data()[row] = {.step = range / 255, .lowest = lowest};
    const Floats lowests = broadcast(lowest);
    const Floats factor = broadcast(range > 0 ? 255 / range : 0);
    Int8::Stored* to = (*this)[row];
    for (std::size_t i = 0; i < columns; i += k_pair) {
      const Pair x = read(i);
      Int8::store(to + i, {(x.low - lowests) * factor, (x.high - lowests) * factor});
    }
  }

 private:
  Buffer<RowScale> m_scales;
};

// Each column of weights has a scale of its own, from its number that is farthest from zero. With
// that scale t and whole weights q, a column of a row's results is
//
//   Σ (lowest + step · u) · t · q + bias = step · t · Σ u · q + lowest · t · Σ q + bias
template <>
class Linear<Int8> {
 public:
  template <typename Weight, typename Bias>
  Linear(std::size_t columns, std::size_t depth, Weight&& weight, Bias&& bias)
      : m_panels(columns, depth),
        m_scale(m_panels.columns()),
        m_total(m_panels.columns()),
        m_bias(m_panels.columns()) {
    const std::size_t wide = round_up(m_panels.depth(), k_pair);
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
    multiply<Int8>(rows[first], rows.stride(), count, m_panels, nullptr,
                   [&finish, scales = rows.scales() + first, this](std::size_t row,
                                                                   std::size_t column, Pair sums) {
                     const Floats step = broadcast(scales[row].step);
                     const Floats lowest = broadcast(scales[row].lowest);
                     const auto result = [&](Floats sum, std::size_t i) {
                       const Floats rest = fma(lowest, load(m_total.data() + i),
                                               load(m_bias.data() + i));
                       return fma(sum * step, load(m_scale.data() + i), rest);
                     };
                     finish(row, column, Pair{result(sums.low, column),
                                              result(sums.high, column + k_lanes)});
                   });
  }

 private:
  void quantize(std::size_t column, const float* weights, std::size_t count, Int8::Stored* to) {
    Floats magnitudes = broadcast(0.0F);
    for (std::size_t k = 0; k < count; k += k_lanes) {
      magnitudes = larger(magnitudes, magnitude(load(weights + k)));
    }
    const float most = largest(magnitudes);
    const float scale = most / 127;
    const Floats factor = broadcast(most > 0 ? 127 / most : 0);
    Floats total = broadcast(0.0F);  // exact: whole, and below 2^24
    for (std::size_t k = 0; k < count; k += k_pair) {
      const Pair x = load_pair(weights + k);
      const Pair whole = {nearest(x.low * factor), nearest(x.high * factor)};
      total = total + (whole.low + whole.high);
      Int8::store(to + k, whole);
    }
    m_scale.data()[column] = scale;
    m_total.data()[column] = scale * sum(total);
  }

  Panels<Int8> m_panels;
  Buffer<float> m_scale;  // t
  Buffer<float> m_total;  // t · Σ q
  Buffer<float> m_bias;
};

}  // namespace vecdb::native
