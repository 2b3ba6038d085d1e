#include "search/near_pairs.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <span>
#include <utility>
#include <vector>

using namespace vecdb;

namespace {

using Pairs = std::set<std::pair<std::size_t, std::size_t>>;

// Vectors of whole numbers, whose products are exact; one byte off what floats are aligned to.
class Vectors {
 public:
  Vectors(std::size_t count, std::size_t dimension, unsigned seed) : m_dimension(dimension) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> component(-2, 2);
    std::vector<float> floats(count * dimension);
    for (float& each : floats) each = static_cast<float>(component(random));
    const auto bytes = std::as_bytes(std::span(floats));
    m_bytes.assign(bytes.begin(), bytes.end());
    m_bytes.insert(m_bytes.begin(), std::byte{1});
    for (std::size_t i = 0; i < count; ++i) {
      addresses.push_back(m_bytes.data() + 1 + i * dimension * sizeof(float));
    }
    m_floats = std::move(floats);
  }

  float product(std::size_t i, const Vectors& other, std::size_t j) const {
    float sum = 0;
    for (std::size_t c = 0; c < m_dimension; ++c) {
      sum += m_floats[i * m_dimension + c] * other.m_floats[j * m_dimension + c];
    }
    return sum;
  }

  std::vector<VectorAddress> addresses;

 private:
  std::size_t m_dimension;
  std::vector<std::byte> m_bytes;
  std::vector<float> m_floats;
};

}  // namespace

TEST_CASE("Each pair that is near enough is found, once, and no other") {
  for (const std::size_t dimension : {1, 7, 33}) {
    for (const std::size_t count : {1, 15, 16, 17, 100}) {
      for (const std::size_t others_count : {0, 1, 5, 6, 7, 119, 120, 121, 250}) {
        const Vectors block(count, dimension, 3);
        const Vectors others(others_count, dimension, 4);
        const float least = static_cast<float>(dimension) / 3;
        Pairs expected;
        for (std::size_t i = 0; i < count; ++i) {
          for (std::size_t j = 0; j < others_count; ++j) {
            if (block.product(i, others, j) >= least) expected.emplace(i, j);
          }
        }
        Pairs found;
        bool is_new = true;
        bool is_right = true;
        VectorsToCompare(block.addresses, dimension)
            .each_near(others.addresses, least, [&](std::size_t i, std::size_t j, float product) {
              is_right = is_right && product == block.product(i, others, j);
              is_new = found.emplace(i, j).second && is_new;
            });
        CAPTURE(dimension, count, others_count);
        CHECK(is_new);
        CHECK(is_right);
        CHECK(found == expected);
      }
    }
  }
}

TEST_CASE("What fills up a panel is never found, however little is asked for") {
  const Vectors block(3, 4, 1);
  const Vectors others(2, 4, 2);
  std::size_t found = 0;
  VectorsToCompare(block.addresses, 4)
      .each_near(others.addresses, -1e9F, [&](std::size_t i, std::size_t j, float) {
        CHECK(i < 3);
        CHECK(j < 2);
        ++found;
      });
  CHECK(found == 6);
}
