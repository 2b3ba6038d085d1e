#pragma once

#include <algorithm>
#include <cstddef>

#include "model/encoder/native/functions.h"
#include "model/encoder/native/simd.h"

// A number type says how activations and weights are stored and how a block of a product is made:
//
//   Stored        what rows and panels are made of
//   k_rows        rows of a block; a block always has all of them, so that every row is computed by
//                 the same instructions whatever stands beside it
//   k_depth       what the inner dimension of a product is a multiple of
//   load, store   a pair of registers, k_pair columns
//   pack_rows     puts k_pair rows of stored numbers into a panel, as columns of the right operand
//   pack_columns  the same of columns: `filled` rows of them, zeros below
//   block         k_rows rows times a panel, into sums; each row's sums begin with `start`, a
//                 pair, or with zeros where it is null. `between` is called after each k_stretch in
//                 depth, so that other work can fill the time
//   k_finishes_between  whether that may be work on the last block: not where its registers are
//                 those that hold the sums of this one
//   Sum           what block's results are; load_sums makes a pair of floats of them
//   Session       what a thread holds while it computes
namespace vecdb::native {

struct F32 {
  using Stored = float;
  using Sum = float;
  struct Session {};
  static constexpr Accuracy k_accuracy = Accuracy::k_f32;
  static constexpr std::size_t k_depth = 1;
  static constexpr std::size_t k_stretch = k_pair;
  static constexpr bool k_finishes_between = false;
  // As many as leave a register or two beside the sums.
  static constexpr std::size_t k_rows = k_lanes == 16 ? 12 : 6;

  static Pair load(const Stored* from) { return load_pair(from); }
  static void store(Stored* to, Pair x) { store_pair(to, x); }
  static void store(Stored* to, Floats x) { native::store(to, x); }

  static Pair load_sums(const Sum* from) { return load_pair(from); }

  static void pack_rows(const Stored* rows, std::size_t stride, std::size_t depth, Stored* panel) {
    for (std::size_t k = 0; k < depth; ++k) {
      for (std::size_t n = 0; n < k_pair; ++n) panel[k * k_pair + n] = rows[n * stride + k];
    }
  }

  static void pack_columns(const Stored* rows, std::size_t stride, std::size_t filled,
                           std::size_t depth, Stored* panel) {
    for (std::size_t k = 0; k < filled; ++k) store(panel + k * k_pair, load(rows + k * stride));
    std::fill(panel + filled * k_pair, panel + depth * k_pair, 0.0F);
  }

  // One fused sum a column, from the first step to the last.
  template <typename Between>
  static void block(const Stored* rows, std::size_t stride, const Stored* panel, std::size_t depth,
                    const float* start, float* out, std::size_t out_stride, Between&& between) {
    Pair sums[k_rows];
#pragma GCC unroll 16
    for (Pair& sum : sums) sum = start ? load_pair(start) : Pair{broadcast(0), broadcast(0)};
    const auto step = [&](std::size_t k) {
      const Pair right = load_pair(panel + k * k_pair);
#pragma GCC unroll 16
      for (std::size_t m = 0; m < k_rows; ++m) {
        const Floats left = broadcast(rows[m * stride + k]);
        sums[m] = {fma(left, right.low, sums[m].low), fma(left, right.high, sums[m].high)};
      }
    };
    for (std::size_t k = 0; k < depth;) {
      for (const std::size_t end = std::min(depth, k + k_stretch); k < end; ++k) step(k);
      between();
    }
#pragma GCC unroll 16
    for (std::size_t m = 0; m < k_rows; ++m) store_pair(out + m * out_stride, sums[m]);
  }
};

// bfloat16 where the processor does not multiply it: the same numbers, kept and multiplied as
// floats. A product of two is exact in a float.
struct RoundedBf16 : F32 {
  static constexpr Accuracy k_accuracy = Accuracy::k_bf16;
  static void store(Stored* to, Pair x) {
    store_pair(to, {round_to_bf16(x.low), round_to_bf16(x.high)});
  }
  static void store(Stored* to, Floats x) { native::store(to, round_to_bf16(x)); }
};

}  // namespace vecdb::native
