#pragma once

#include <array>

#include "model/encoder/native/simd.h"

// The few functions that are no sums and products. Coefficients: minimax fits on the interval that
// is named. `Accuracy::k_bf16` is for results that are rounded to 8 bits anyway.
namespace vecdb::native {

enum class Accuracy { k_f32, k_bf16 };

// c[0] + c[1]·x + …, by Horner's rule.
template <std::size_t N>
inline Floats polynomial(const std::array<float, N>& c, Floats x) {
  Floats result = broadcast(c[N - 1]);
#pragma GCC unroll 16
  for (std::size_t i = 1; i < N; ++i) result = fma(result, x, broadcast(c[N - 1 - i]));
  return result;
}

// 2^x for x <= 0, with a relative error of 2e-9 before rounding, or of 8e-5. Never below 2^-125: a
// softmax has no use for less, and numbers that are not normal take a hundred cycles each.
template <Accuracy accuracy>
inline Floats power_of_two(Floats x) {
  x = larger(x, broadcast(-125.0F));
  const Floats whole = nearest(x);
  const Floats rest = x - whole;  // in [-1/2, 1/2]
  if constexpr (accuracy == Accuracy::k_f32) {
    constexpr std::array<float, 7> c = {1.0F,         0.69314718F,   0.24022646F,   0.055503286F,
                                        0.009618489F, 0.0013399931F, 0.00015345811F};
    return scale_by_power(polynomial(c, rest), whole);
  } else {
    constexpr std::array<float, 4> c = {0.99992806F, 0.69326097F, 0.24261111F, 0.055171657F};
    return scale_by_power(polynomial(c, rest), whole);
  }
}

// x · Φ(x), the exact form of GELU.
template <Accuracy accuracy>
inline Floats gelu(Floats x) {
  if constexpr (accuracy == Accuracy::k_f32) {
    // erf by Abramowitz and Stegun 7.1.26, whose error is below 1.5e-7.
    const Floats z = magnitude(x) * broadcast(0.70710678F);
    const Floats t = broadcast(1.0F) / fma(z, broadcast(0.3275911F), broadcast(1.0F));
    constexpr std::array<float, 6> c = {0.0F,         0.254829592F,  -0.284496736F,
                                        1.421413741F, -1.453152027F, 1.061405429F};
    const Floats tail =
        polynomial(c, t) * power_of_two<accuracy>(z * z * broadcast(-1.44269504F));  // erfc(z)
    // x·Φ(x) = max(x, 0) - |x|/2 · erfc(|x|/√2)
    return larger(x, broadcast(0.0F)) - magnitude(x) * broadcast(0.5F) * tail;
  } else {
    // Φ(x) - 1/2 is odd: x·P(x²) up to where it is 1/2. The result is right to 2e-4.
    constexpr std::array<float, 7> c = {0.39856446F, -0.06537061F,   0.009101419F, -0.0008780753F,
                                        5.43438e-5F, -1.9140932e-6F, 2.8894151e-8F};
    const Floats t = clamp_magnitude(x, broadcast(3.9F));
    return x * fma(t, polynomial(c, t * t), broadcast(0.5F));
  }
}

}  // namespace vecdb::native
