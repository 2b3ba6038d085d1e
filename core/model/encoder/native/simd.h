#pragma once

#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>

// One register of 32-bit floats, as wide as the level of instruction sets that this file is
// compiled for has them. The engine is compiled once for each level, into a module of its own. It
// uses nothing but these few functions, and amx_bf16.h, so that there is one source.
namespace vecdb::native {

#if defined(__AVX512F__)

using Floats = __m512;
inline constexpr std::size_t k_lanes = 16;

inline Floats broadcast(float x) { return _mm512_set1_ps(x); }
inline Floats load(const float* from) { return _mm512_loadu_ps(from); }
inline void store(float* to, Floats x) { _mm512_storeu_ps(to, x); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats magnitude(Floats x) { return _mm512_abs_ps(x); }
// With x's sign and the smaller of both magnitudes.
inline Floats clamp_magnitude(Floats x, Floats limit) { return _mm512_range_ps(x, limit, 2); }
inline Floats nearest(Floats x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT); }
inline float sum(Floats x) { return _mm512_reduce_add_ps(x); }
inline float first(Floats x) { return _mm512_cvtss_f32(x); }
inline float largest(Floats x) { return _mm512_reduce_max_ps(x); }
inline Floats counting() {
  return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
// x, where the lane's number is below `count`; elsewhere `otherwise`.
inline Floats first_lanes(std::size_t count, Floats x, Floats otherwise) {
  return _mm512_mask_mov_ps(otherwise, static_cast<__mmask16>((1U << count) - 1U), x);
}
// mantissa · 2^exponent, for whole exponents and normal results.
inline Floats scale_by_power(Floats mantissa, Floats exponent) {
  return _mm512_scalef_ps(mantissa, exponent);
}
// Rounded to a bfloat16, to even where two are as near.
inline Floats round_to_bf16(Floats x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i half = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF));
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_add_epi32(bits, half),
                                              _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}
// Lanes i and i + distance exchanged, for each i without that bit: distance is a power of two.
template <std::size_t distance>
inline Floats exchanged(Floats x) {
  if constexpr (distance == 8) return _mm512_shuffle_f32x4(x, x, 0x4E);
  if constexpr (distance == 4) return _mm512_shuffle_f32x4(x, x, 0xB1);
  if constexpr (distance == 2) return _mm512_permute_ps(x, 0x4E);
  if constexpr (distance == 1) return _mm512_permute_ps(x, 0xB1);
}

// As many 32-bit integers.
using Ints = __m512i;

inline Ints zero_ints() { return _mm512_setzero_si512(); }
inline Ints load_ints(const void* from) { return _mm512_loadu_si512(from); }
inline void store_ints(void* to, Ints x) { _mm512_storeu_si512(to, x); }
inline Ints broadcast_int(std::int32_t x) { return _mm512_set1_epi32(x); }
inline Floats to_floats(Ints x) { return _mm512_cvtepi32_ps(x); }
#if defined(__AVX512VNNI__)
// Four products of bytes are added to each sum: `left` has no signs, `right` has.
inline Ints add_byte_products(Ints sums, Ints left, Ints right) {
  return _mm512_dpbusd_epi32(sums, left, right);
}
#endif
// Two products of 16 bits.
inline Ints add_word_products(Ints sums, Ints left, Ints right) {
  return _mm512_add_epi32(sums, _mm512_madd_epi16(left, right));
}
// Whole numbers, the low bits of each.
inline void store_bytes(std::uint8_t* to, Floats x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
}
inline void store_words(std::int16_t* to, Floats x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x)));
}

#else

using Floats = __m256;
inline constexpr std::size_t k_lanes = 8;

inline Floats broadcast(float x) { return _mm256_set1_ps(x); }
inline Floats load(const float* from) { return _mm256_loadu_ps(from); }
inline void store(float* to, Floats x) { _mm256_storeu_ps(to, x); }
inline Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
inline Floats larger(Floats a, Floats b) { return _mm256_max_ps(a, b); }
inline Floats magnitude(Floats x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), x); }
inline Floats clamp_magnitude(Floats x, Floats limit) {
  return larger(_mm256_min_ps(x, limit), broadcast(0.0F) - limit);
}
inline Floats nearest(Floats x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline float sum(Floats x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
inline float first(Floats x) { return _mm256_cvtss_f32(x); }
inline float largest(Floats x) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
inline Floats counting() { return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7); }
inline Floats first_lanes(std::size_t count, Floats x, Floats otherwise) {
  const Floats chosen =
      _mm256_cmp_ps(counting(), _mm256_set1_ps(static_cast<float>(count)), _CMP_LT_OQ);
  return _mm256_blendv_ps(otherwise, x, chosen);
}
inline Floats scale_by_power(Floats mantissa, Floats exponent) {
  const __m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(exponent), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(mantissa), power));
}
inline Floats round_to_bf16(Floats x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
  return _mm256_castsi256_ps(_mm256_and_si256(_mm256_add_epi32(bits, half),
                                              _mm256_set1_epi32(static_cast<int>(0xFFFF0000U))));
}
template <std::size_t distance>
inline Floats exchanged(Floats x) {
  if constexpr (distance == 4) return _mm256_permute2f128_ps(x, x, 1);
  if constexpr (distance == 2) return _mm256_permute_ps(x, 0x4E);
  if constexpr (distance == 1) return _mm256_permute_ps(x, 0xB1);
}

using Ints = __m256i;

inline Ints zero_ints() { return _mm256_setzero_si256(); }
inline Ints load_ints(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
inline void store_ints(void* to, Ints x) { _mm256_storeu_si256(static_cast<__m256i*>(to), x); }
inline Ints broadcast_int(std::int32_t x) { return _mm256_set1_epi32(x); }
inline Floats to_floats(Ints x) { return _mm256_cvtepi32_ps(x); }
inline Ints add_word_products(Ints sums, Ints left, Ints right) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(left, right));
}
inline void store_words(std::int16_t* to, Floats x) {
  const Ints whole = _mm256_cvtps_epi32(x);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm_packs_epi32(_mm256_castsi256_si128(whole),
                                   _mm256_extracti128_si256(whole, 1)));
}

#endif

// The sum of lanes i and i + distance in lane i, and their difference in lane i + distance.
template <std::size_t distance>
inline Floats sums_and_differences(Floats x) {
  static constexpr auto signs = [] {
    std::array<float, k_lanes> result{};
    for (std::size_t i = 0; i < k_lanes; ++i) result[i] = (i & distance) == 0 ? 1.0F : -1.0F;
    return result;
  }();
  return fma(x, load(signs.data()), exchanged<distance>(x));
}

// Two registers side by side: the columns that a product makes at a time.
struct Pair {
  Floats low;
  Floats high;
};
inline constexpr std::size_t k_pair = 2 * k_lanes;

inline Pair load_pair(const float* from) { return {load(from), load(from + k_lanes)}; }
inline void store_pair(float* to, Pair x) {
  store(to, x.low);
  store(to + k_lanes, x.high);
}

constexpr std::size_t round_up(std::size_t count, std::size_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

}  // namespace vecdb::native
