// Products of the native engine's number types, compiled once for each level of instruction sets, into
// a module of its own (see test/CMakeLists.txt). native_products_test.cpp calls them.

#include <algorithm>

#include "model/encoder/native/f32.h"
#include "model/encoder/native/int8.h"
#include "model/encoder/native/product.h"
#if defined(VECDB_AMX)
#include "model/encoder/native/amx_bf16.h"
#elif defined(__AVX512BF16__)
#include "model/encoder/native/dot_bf16.h"
#endif

namespace {

using namespace vecdb::native;

#if defined(VECDB_AMX)
using BestBf16 = AmxBf16;
#elif defined(__AVX512BF16__)
using BestBf16 = DotBf16;
#else
using BestBf16 = RoundedBf16;
#endif

// A matrix of so many rows, filled up with zeros to `all` rows of whole pairs of registers.
template <typename Number>
Rows<typename Number::Stored> stored(const float* numbers, std::size_t rows, std::size_t columns,
                                     std::size_t all) {
  const std::size_t wide = round_up(columns, k_pair);
  Rows<typename Number::Stored> result(all, wide);
  Rows<float> row(1, wide);
  for (std::size_t i = 0; i < all; ++i) {
    std::fill_n(row[0], wide, 0.0F);
    if (i < rows) std::copy_n(numbers + i * columns, columns, row[0]);
    for (std::size_t k = 0; k < wide; k += k_pair) {
      Number::store(result[i] + k, load_pair(row[0] + k));
    }
  }
  return result;
}

template <typename Number>
void multiply_panels(const float* left, std::size_t rows, const Panels<Number>& panels,
                     std::size_t columns, std::size_t depth, double* out) {
  [[maybe_unused]] const typename Number::Session session;
  const std::size_t all = round_up(rows, Number::k_rows);
  const auto a = stored<Number>(left, rows, depth, all);
  alignas(k_cache_line) typename Number::Sum sums[Number::k_rows * k_pair];
  for (std::size_t row = 0; row < all; row += Number::k_rows) {
    for (std::size_t column = 0; column < panels.columns(); column += k_pair) {
      Number::block(a[row], a.stride(), panels.panel(column), panels.depth(), nullptr, sums, k_pair,
                    [] {});
      for (std::size_t m = 0; m < Number::k_rows && row + m < rows; ++m) {
        for (std::size_t n = 0; n < k_pair && column + n < columns; ++n) {
          out[(row + m) * columns + column + n] = static_cast<double>(sums[m * k_pair + n]);
        }
      }
    }
  }
}

// `right` holds a row for each column of the result.
template <typename Number>
void by_rows(const float* left, const float* right, std::size_t rows, std::size_t columns,
             std::size_t depth, double* out) {
  Panels<Number> panels(columns, round_up(depth, k_pair));
  const auto b = stored<Number>(right, columns, depth, panels.columns());
  for (std::size_t i = 0; i < panels.columns(); i += k_pair) {
    Number::pack_rows(b[i], b.stride(), panels.depth(), panels.panel(i));
  }
  multiply_panels(left, rows, panels, columns, depth, out);
}

// `right` holds the columns of the result side by side.
template <typename Number>
void by_columns(const float* left, const float* right, std::size_t rows, std::size_t columns,
                std::size_t depth, double* out) {
  Panels<Number> panels(columns, depth);
  const auto b = stored<Number>(right, depth, columns, depth);
  for (std::size_t i = 0; i < panels.columns(); i += k_pair) {
    Number::pack_columns(b[0] + i, b.stride(), depth, panels.depth(), panels.panel(i));
  }
  multiply_panels(left, rows, panels, columns, depth, out);
}

// As the encoder does it: both sides are rounded to 8 bits.
void by_rounded_rows(const float* left, const float* right, std::size_t rows, std::size_t columns,
                     std::size_t depth, double* out) {
  const std::size_t wide = round_up(depth, k_pair);
  Activations<Int8> a(round_up(rows, Int8::k_rows), wide);
  Rows<float> row(1, wide);
  for (std::size_t i = 0; i < rows; ++i) {
    std::fill_n(row[0], wide, 0.0F);
    std::copy_n(left + i * depth, depth, row[0]);
    a.quantize(i, wide, [&](std::size_t k) { return load_pair(row[0] + k); });
  }
  const Linear<Int8> linear(
      columns, wide,
      [&](std::size_t column, float* to) { std::copy_n(right + column * depth, depth, to); },
      [](std::size_t column) { return static_cast<float>(column); });
  linear(a, 0, round_up(rows, Int8::k_rows), [&](std::size_t m, std::size_t column, Pair x) {
    alignas(k_cache_line) float results[k_pair];
    store_pair(results, x);
    for (std::size_t n = 0; n < k_pair && m < rows && column + n < columns; ++n) {
      out[m * columns + column + n] = static_cast<double>(results[n]);
    }
  });
}

using Multiply = void (*)(const float*, const float*, std::size_t, std::size_t, std::size_t, double*);

constexpr Multiply k_by_rows[] = {by_rows<F32>, by_rows<BestBf16>, by_rows<Int8>};
constexpr Multiply k_by_columns[] = {by_columns<F32>, by_columns<BestBf16>};

}  // namespace

// left, rows × depth, times the transposition of right, columns × depth. `number`: f32, bf16, int8.
extern "C" __attribute__((visibility("default"))) void multiply_by_rows(
    int number, const float* left, const float* right, std::size_t rows, std::size_t columns,
    std::size_t depth, double* out) {
  k_by_rows[number](left, right, rows, columns, depth, out);
}

// left, rows × depth, times the transposition of right, rounded, and each column's number as its bias.
extern "C" __attribute__((visibility("default"))) void multiply_rounded(
    int, const float* left, const float* right, std::size_t rows, std::size_t columns,
    std::size_t depth, double* out) {
  by_rounded_rows(left, right, rows, columns, depth, out);
}

// The Hadamard transform of a row of `columns` numbers, a multiple of 32, in pieces of the size that
// is returned.
extern "C" __attribute__((visibility("default"))) std::size_t transform(const float* row,
                                                                        std::size_t columns,
                                                                        float* out) {
  hadamard_transform(columns, [row](std::size_t i) { return load_pair(row + i); }, out);
  return hadamard_size(columns);
}

// left, rows × depth, times right, depth × columns.
extern "C" __attribute__((visibility("default"))) void multiply_by_columns(
    int number, const float* left, const float* right, std::size_t rows, std::size_t columns,
    std::size_t depth, double* out) {
  k_by_columns[number](left, right, rows, columns, depth, out);
}
