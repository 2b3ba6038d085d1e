#pragma once

#include <cmath>
#include <cstddef>

#include "model/encoder/native/rows.h"
#include "model/encoder/native/simd.h"

namespace vecdb::native {

// Scale and shift of a row; both are 0 where a row is only filled up, and so is the result there.
struct LayerNorm {
  std::size_t size = 0;     // numbers of a row that count
  std::size_t columns = 0;  // those it is filled up with (zeros) included; a multiple of k_pair
  Buffer<float> scale;
  Buffer<float> shift;
  float epsilon = 0;

  // (x - mean) / sqrt(variance + epsilon) · scale + shift. read(column) returns a Pair,
  // write(column, Pair) takes the result.
  template <typename Read, typename Write>
  void operator()(Read&& read, Write&& write) const {
    Pair sums = {broadcast(0.0F), broadcast(0.0F)};
    for (std::size_t i = 0; i < columns; i += k_pair) {
      const Pair x = read(i);
      sums = {sums.low + x.low, sums.high + x.high};
    }
    const auto count = static_cast<float>(size);
    const float mean = sum(sums.low + sums.high) / count;
    const Floats means = broadcast(mean);
    Pair squares = {broadcast(0.0F), broadcast(0.0F)};
    for (std::size_t i = 0; i < columns; i += k_pair) {
      const Pair x = read(i);
      const Pair d = {x.low - means, x.high - means};
      squares = {fma(d.low, d.low, squares.low), fma(d.high, d.high, squares.high)};
    }
    const float filled = static_cast<float>(columns - size) * mean * mean;
    const float variance = (sum(squares.low + squares.high) - filled) / count;
    const Floats factor = broadcast(1.0F / std::sqrt(std::fmax(variance, 0.0F) + epsilon));
    for (std::size_t i = 0; i < columns; i += k_pair) {
      const Pair x = read(i);
      const Pair a = load_pair(scale.data() + i);
      const Pair b = load_pair(shift.data() + i);
      write(i, Pair{fma((x.low - means) * factor, a.low, b.low),
                    fma((x.high - means) * factor, a.high, b.high)});
    }
  }
};

}  // namespace vecdb::native
