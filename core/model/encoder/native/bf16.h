#pragma once

#include <cstddef>
#include <cstdint>

#include "model/encoder/native/f32.h"

// What both ways to multiply bfloat16 have in common. Products take two neighbours in depth, a
// pair, as one 32-bit number.
namespace vecdb::native {

struct Bf16 {
  using Stored = std::uint16_t;
  using Sum = float;
  static constexpr Accuracy k_accuracy = Accuracy::k_bf16;

  static Pair load(const Stored* from) {
    const __m512i both = _mm512_loadu_si512(from);
    return {widen(_mm512_castsi512_si256(both)), widen(_mm512_extracti64x4_epi64(both, 1))};
  }
  static void store(Stored* to, Pair x) {
    _mm512_storeu_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(x.high, x.low)));
  }
  static void store(Stored* to, Floats x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
  }

  static Pair load_sums(const Sum* from) { return load_pair(from); }

 protected:
  // 16 rows of 16 pairs each to 16 lines, `line` numbers apart, of one pair a row.
  static void transpose(const Stored* rows, std::size_t stride, Stored* to, std::size_t line) {
    __m512i x[16];
    __m512i y[16];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 16; ++i) x[i] = _mm512_loadu_si512(rows + i * stride);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 16; i += 2) {  // pairs of rows
      y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
      y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 16; i += 4) {  // groups of four
      x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
      x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
      x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
      x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {  // quarters of registers: a 4×4 transposition of them
      y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
      y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xDD);
      y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
      y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xDD);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) {
      _mm512_storeu_si512(to + i * line, _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88));
      _mm512_storeu_si512(to + (i + 8) * line, _mm512_shuffle_i32x4(y[i], y[i + 8], 0xDD));
    }
  }

  // Two rows of 32 numbers each, to pairs: columns 0 … 15 to `low`, the others to `high`. No row
  // means zeros.
  static void interleave(const Stored* even, const Stored* odd, Stored* low, Stored* high) {
    const auto row = [](const Stored* from) {
      return from != nullptr ? _mm512_loadu_si512(from) : _mm512_setzero_si512();
    };
    const auto paired = [](__m256i first, __m256i second) {
      return _mm512_or_si512(_mm512_cvtepu16_epi32(first),
                             _mm512_slli_epi32(_mm512_cvtepu16_epi32(second), 16));
    };
    const __m512i a = row(even);
    const __m512i b = row(odd);
    _mm512_store_si512(low, paired(_mm512_castsi512_si256(a), _mm512_castsi512_si256(b)));
    _mm512_store_si512(high,
                       paired(_mm512_extracti64x4_epi64(a, 1), _mm512_extracti64x4_epi64(b, 1)));
  }

 private:
  static Floats widen(__m256i x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
  }
};

}  // namespace vecdb::native
