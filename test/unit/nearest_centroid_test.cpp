#include "store/faiss/nearest_centroid.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>

using namespace vecdb;

namespace {

std::vector<float> random_floats(std::mt19937& random, std::size_t count) {
  std::uniform_real_distribution<float> any(-1, 1);
  std::vector<float> floats(count);
  for (float& each : floats) each = any(random);
  return floats;
}

double product(const float* a, const float* b, std::size_t dimension) {
  double sum = 0;
  for (std::size_t i = 0; i < dimension; ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

}  // namespace

TEST_CASE("The nearest centroid has the greatest inner product, whatever the sizes are") {
  std::mt19937 random(1);
  for (const std::size_t dimension : {1U, 2U, 17U, 384U}) {
    for (const std::size_t centroids : {1U, 2U, 15U, 16U, 17U, 33U, 200U}) {
      for (const std::size_t vectors : {0U, 1U, 5U, 6U, 7U, 119U, 120U, 121U, 250U}) {
        CAPTURE(dimension, centroids, vectors);
        const auto table = random_floats(random, centroids * dimension);
        const auto asked = random_floats(random, vectors * dimension);
        std::vector<std::byte> unaligned(asked.size() * sizeof(float) + 1);
        if (!asked.empty()) std::memcpy(unaligned.data() + 1, asked.data(), asked.size() * sizeof(float));
        std::vector<NearestCentroid::Found> found(vectors);
        NearestCentroid(table, dimension).find(unaligned.data() + 1, found);
        bool right = true;
        for (std::size_t v = 0; v < vectors; ++v) {
          double best = -INFINITY;
          for (std::size_t c = 0; c < centroids; ++c) {
            best = std::max(best, product(&asked[v * dimension], &table[c * dimension], dimension));
          }
          const auto chosen = static_cast<std::size_t>(found[v].centroid);
          right = right && chosen < centroids &&
                  std::abs(product(&asked[v * dimension], &table[chosen * dimension], dimension) - best) < 1e-4 &&
                  std::abs(static_cast<double>(found[v].score) - best) < 1e-4;
        }
        CHECK(right);
      }
    }
  }
}

TEST_CASE("A vector without a number for its components still gets a centroid that is there") {
  const std::vector<float> table{1, 0, 0, 1, -1, 0};
  const float nothing[] = {NAN, NAN};
  std::vector<NearestCentroid::Found> found(1);
  NearestCentroid(table, 2).find(reinterpret_cast<const std::byte*>(nothing), found);
  CHECK(found[0].centroid >= 0);
  CHECK(found[0].centroid < 3);
}
