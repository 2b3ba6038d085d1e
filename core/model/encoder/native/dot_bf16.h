#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/encoder/native/bf16.h"

// bfloat16 by the dot products of AVX512-BF16: a step in depth takes a pair of each row, and two
// registers of the panel, with one pair a column.
namespace vecdb::native {

struct DotBf16 : Bf16 {
  struct Session {};
  static constexpr std::size_t k_depth = 2;
  static constexpr std::size_t k_rows = 12;
  static constexpr std::size_t k_stretch = 32;
  static constexpr bool k_finishes_between = false;

  static void pack_rows(const Stored* rows, std::size_t stride, std::size_t depth, Stored* panel) {
    for (std::size_t k = 0; k < depth; k += k_pair) {
      for (std::size_t half = 0; half < 2; ++half) {
        transpose(rows + half * 16 * stride + k, stride, panel + k * k_pair + half * 32, 64);
      }
    }
  }

  static void pack_columns(const Stored* rows, std::size_t stride, std::size_t filled,
                           std::size_t depth, Stored* panel) {
    const auto row = [&](std::size_t k) { return k < filled ? rows + k * stride : nullptr; };
    for (std::size_t k = 0; k < depth; k += 2) {
      Stored* to = panel + k * k_pair;
      interleave(row(k), row(k + 1), to, to + 32);
    }
  }

  // One sum a column, from the first pair to the last.
  template <typename Between>
  static void block(const Stored* rows, std::size_t stride, const Stored* panel, std::size_t depth,
                    const float* start, float* out, std::size_t out_stride, Between&& between) {
    Pair sums[k_rows];
#pragma GCC unroll 16
    for (Pair& sum : sums) sum = start ? load_pair(start) : Pair{broadcast(0), broadcast(0)};
    const auto step = [&](std::size_t k) {
      const auto low = pairs(_mm512_load_si512(panel + k * k_pair));
      const auto high = pairs(_mm512_load_si512(panel + k * k_pair + 32));
#pragma GCC unroll 16
      for (std::size_t m = 0; m < k_rows; ++m) {
        std::int32_t pair;
        std::memcpy(&pair, rows + m * stride + k, sizeof pair);
        const auto left = pairs(_mm512_set1_epi32(pair));
        sums[m] = {_mm512_dpbf16_ps(sums[m].low, left, low),
                   _mm512_dpbf16_ps(sums[m].high, left, high)};
      }
    };
    for (std::size_t k = 0; k < depth;) {
      for (const std::size_t end = std::min(depth, k + k_stretch); k < end; k += k_depth) step(k);
      between();
    }
#pragma GCC unroll 16
    for (std::size_t m = 0; m < k_rows; ++m) store_pair(out + m * out_stride, sums[m]);
  }

 private:
  static __m512bh pairs(__m512i x) { return reinterpret_cast<__m512bh>(x); }
};

}  // namespace vecdb::native
