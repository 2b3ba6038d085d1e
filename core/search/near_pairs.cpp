#include "search/near_pairs.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/for_each_processor.h"

namespace vecdb {

namespace {

constexpr std::size_t k_lanes = 16;  // vectors of a panel
constexpr std::size_t k_tile = 6;    // others that are compared with a panel at a time
// Others that all panels pass by: with a panel, what fits into the caches near the processor.
constexpr std::size_t k_portion = 20 * k_tile;

using Scores = float __attribute__((vector_size(k_lanes * sizeof(float))));
using Tile = std::array<VectorAddress, k_tile>;

float load(VectorAddress at) {
  float value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// What one of the others gives with the vectors of a panel.
struct Products {
  Scores products;
  std::uint32_t near = 0;  // bits of the lanes that reach what is asked for
};

// Fills in `found` for each of the others. As in store/faiss/nearest_centroid.cpp,
// sums stay in registers and none waits for the one before.
VECDB_FOR_EACH_PROCESSOR void compare(const Tile& others, std::size_t dimension,
                                      const float* panel, float least,
                                      std::array<Products, k_tile>& found) {
  Scores sums[k_tile] = {};
  for (std::size_t i = 0; i < dimension; ++i) {
    Scores column;
    std::memcpy(&column, panel + i * k_lanes, sizeof column);
    for (std::size_t o = 0; o < k_tile; ++o) {
      sums[o] += column * load(others[o] + i * sizeof(float));
    }
  }
  for (std::size_t o = 0; o < k_tile; ++o) {
    std::uint32_t bits = 0;
    for (std::size_t lane = 0; lane < k_lanes; ++lane) {
      bits |= static_cast<std::uint32_t>(sums[o][lane] >= least) << lane;
    }
    found[o].products = sums[o];
    found[o].near = bits;
  }
}

}  // namespace

VectorsToCompare::VectorsToCompare(std::span<const VectorAddress> vectors, std::size_t dimension)
    : m_dimension(dimension), m_count(vectors.size()) {
  const std::size_t panels = (m_count + k_lanes - 1) / k_lanes;
  m_panels.resize(panels * k_lanes * dimension);  // zeros for those that the last panel lacks
  for (std::size_t i = 0; i < m_count; ++i) {
    float* column = m_panels.data() + i / k_lanes * k_lanes * dimension + i % k_lanes;
    for (std::size_t c = 0; c < dimension; ++c) {
      column[c * k_lanes] = load(vectors[i] + c * sizeof(float));
    }
  }
}

void VectorsToCompare::each_near(std::span<const VectorAddress> others, float least,
                                 const Visit& visit) const {
  const std::size_t panel_floats = k_lanes * m_dimension;
  for (std::size_t first = 0; first < others.size(); first += k_portion) {
    const auto portion = others.subspan(first, std::min(k_portion, others.size() - first));
    for (std::size_t panel = 0; panel * k_lanes < m_count; ++panel) {
      for (std::size_t tile = 0; tile < portion.size(); tile += k_tile) {
        Tile addresses;
        const std::size_t count = std::min(k_tile, portion.size() - tile);
        for (std::size_t o = 0; o < k_tile; ++o) {
          addresses[o] = portion[tile + std::min(o, count - 1)];
        }
        std::array<Products, k_tile> found;
        compare(addresses, m_dimension, m_panels.data() + panel * panel_floats, least, found);
        for (std::size_t o = 0; o < count; ++o) {
          for (std::uint32_t bits = found[o].near; bits != 0; bits &= bits - 1) {
            const auto lane = static_cast<std::size_t>(__builtin_ctz(bits));
            const std::size_t vector = panel * k_lanes + lane;
            if (vector < m_count) visit(vector, first + tile + o, found[o].products[lane]);
          }
        }
      }
    }
  }
}

}  // namespace vecdb
