#include "search/ranking.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

using namespace vecdb;

TEST_CASE("The cosine of unit vectors is their inner product") {
  const std::array<float, 2> x{1, 0};
  const std::array<float, 2> y{0.6F, 0.8F};
  CHECK(cosine_of_units(x, x) == 1.0);
  CHECK(cosine_of_units(x, y) == Approx(0.6));
  CHECK(cosine_of_units(x, y) == cosine_of_units(y, x));
}

TEST_CASE("The squared distance of unit vectors is two minus twice their cosine") {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> a(384);
  std::vector<float> b(384);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = normal(random);
    b[i] = normal(random);
  }
  const auto scale = [](std::vector<float>& v) {
    const auto length = static_cast<float>(std::sqrt(cosine_of_units(v, v)));
    for (float& x : v) x /= length;
  };
  scale(a);
  scale(b);
  CHECK(squared_distance(a, b) == Approx(2 - 2 * cosine_of_units(a, b)).margin(1e-6));
  CHECK(squared_distance(a, a) == 0.0);
}

TEST_CASE("The best are settled only when no row outside can reach them, rounding included") {
  CHECK(is_settled(0.5, 0.4, 384));
  CHECK_FALSE(is_settled(0.5, 0.5, 384));
  CHECK_FALSE(is_settled(0.5, 0.6, 384));
  CHECK_FALSE(is_settled(0.5, 0.49999, 384));
  CHECK(is_settled(0.5, 0.49999, 1));
}

TEST_CASE("A vector is of unit length up to rounding") {
  CHECK(is_unit(std::array<float, 2>{0.6F, 0.8F}));
  CHECK(is_unit(std::array<float, 2>{0.60001F, 0.8F}));
  CHECK_FALSE(is_unit(std::array<float, 2>{0.61F, 0.8F}));
  CHECK_FALSE(is_unit(std::array<float, 2>{0, 0}));
  CHECK_FALSE(is_unit(std::array<float, 2>{std::nanf(""), 1}));
  CHECK_FALSE(is_unit(std::array<float, 1>{INFINITY}));
}
