#pragma once

#include <algorithm>
#include <cstddef>

#include "model/encoder/native/simd.h"

// The Hadamard transform x·H: H is Sylvester's matrix of n rows, all of its numbers 1 or -1, and
// H·Hᵀ = n. So the product of two rows is n times as large after both were transformed,
//
//   (x·H) · (w·H) = n · (x·w)
//
// while a number that stands out of a row is spread over n places.
namespace vecdb::native {

inline constexpr std::size_t k_largest_hadamard = 128;

// n, for rows of so many numbers, a multiple of k_pair: each n of them are transformed by themselves.
constexpr std::size_t hadamard_size(std::size_t columns) {
  return std::min(k_largest_hadamard, columns & (~columns + 1));
}

// Of as many numbers as the registers hold, in place. Each result is the same sum of sums at every
// level of instruction sets.
template <std::size_t registers>
inline void hadamard_transform(Floats (&x)[registers]) {
#pragma GCC unroll 4
  for (std::size_t step = registers / 2; step > 0; step /= 2) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < registers; ++i) {
      if ((i & step) != 0) continue;
      const Floats sum = x[i] + x[i + step];
      x[i + step] = x[i] - x[i + step];
      x[i] = sum;
    }
  }
#pragma GCC unroll 16
  for (Floats& lanes : x) {
    if constexpr (k_lanes == 16) lanes = sums_and_differences<8>(lanes);
    lanes = sums_and_differences<4>(lanes);
    lanes = sums_and_differences<2>(lanes);
    lanes = sums_and_differences<1>(lanes);
  }
}

// Of a row, into `out`; read(column) returns a Pair of it, and what was read may be written over.
// Returns the largest magnitude of the results.
template <std::size_t pairs = k_largest_hadamard / k_pair, typename Read>
inline float hadamard_transform(std::size_t columns, Read&& read, float* out) {
  if constexpr (pairs > 1) {
    if (hadamard_size(columns) < pairs * k_pair) {
      return hadamard_transform<pairs / 2>(columns, read, out);
    }
  }
  Floats most = broadcast(0.0F);
  for (std::size_t first = 0; first < columns; first += pairs * k_pair) {
    Floats x[2 * pairs];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < pairs; ++i) {
      const Pair pair = read(first + i * k_pair);
      x[2 * i] = pair.low;
      x[2 * i + 1] = pair.high;
    }
    hadamard_transform(x);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 2 * pairs; ++i) {
      most = larger(most, magnitude(x[i]));
      store(out + first + i * k_lanes, x[i]);
    }
  }
  return largest(most);
}

}  // namespace vecdb::native
