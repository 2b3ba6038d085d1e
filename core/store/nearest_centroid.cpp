#include "store/nearest_centroid.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace vecdb {

namespace {

constexpr std::size_t k_lanes = 16;  // centroids of a panel
constexpr std::size_t k_tile = 6;    // vectors that are compared with a panel at a time
// Vectors that all panels pass by: with a panel, what fits into the caches near the processor.
constexpr std::size_t k_block = 20 * k_tile;

using Scores = float __attribute__((vector_size(k_lanes * sizeof(float))));
using Numbers = std::int32_t __attribute__((vector_size(k_lanes * sizeof(std::int32_t))));

// Of one vector: in each lane the best centroid so far of those that stood there.
struct Best {
  Scores score;
  Numbers panel;
};

float load(const std::byte* at) {
  float value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// One version for each generation of processors. Clang, with which the fuzz targets are built, knows
// no `optimize`, and a sanitizer is not there yet when a version is chosen.
#if defined(__clang__) || defined(__SANITIZE_THREAD__)
#define VECDB_FOR_EACH_PROCESSOR
#else
#define VECDB_FOR_EACH_PROCESSOR \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), optimize("O3")))
#endif

// Twelve or six registers of sums, as the processor has them, in which nothing waits for the sum
// before: that is what a plain loop over one vector after another does.
VECDB_FOR_EACH_PROCESSOR void
compare(const std::array<const std::byte*, k_tile>& vectors, std::size_t dimension,
        const float* panel, std::int32_t number, Best* best) {
  Scores sums[k_tile] = {};
  for (std::size_t i = 0; i < dimension; ++i) {
    Scores column;
    std::memcpy(&column, panel + i * k_lanes, sizeof column);
    for (std::size_t v = 0; v < k_tile; ++v) {
      sums[v] += column * load(vectors[v] + i * sizeof(float));
    }
  }
  for (std::size_t v = 0; v < k_tile; ++v) {
    const Numbers is_better = sums[v] > best[v].score;
    best[v].score = is_better ? sums[v] : best[v].score;
    best[v].panel = is_better ? (Numbers{} + number) : best[v].panel;
  }
}

}  // namespace

NearestCentroid::NearestCentroid(std::span<const float> centroids, std::size_t dimension)
    : m_dimension(dimension), m_count(centroids.size() / dimension) {
  const std::size_t panels = (m_count + k_lanes - 1) / k_lanes;
  m_panels.resize(panels * k_lanes * dimension);
  for (std::size_t i = 0; i < panels * k_lanes; ++i) {
    // The last one stands in for those that a panel lacks.
    const float* centroid = centroids.data() + std::min(i, m_count - 1) * dimension;
    float* column = m_panels.data() + i / k_lanes * k_lanes * dimension + i % k_lanes;
    for (std::size_t c = 0; c < dimension; ++c) column[c * k_lanes] = centroid[c];
  }
}

void NearestCentroid::find(const std::byte* vectors, std::span<Found> found) const {
  const std::size_t vector_bytes = m_dimension * sizeof(float);
  const std::size_t panel_floats = k_lanes * m_dimension;
  std::array<Best, k_block> best;
  for (std::size_t first = 0; first < found.size(); first += k_block) {
    const std::size_t count = std::min(k_block, found.size() - first);
    best.fill(Best{.score = Scores{} - std::numeric_limits<float>::infinity(), .panel = {}});
    for (std::size_t panel = 0; panel * panel_floats < m_panels.size(); ++panel) {
      for (std::size_t tile = 0; tile < count; tile += k_tile) {
        std::array<const std::byte*, k_tile> rows;
        for (std::size_t v = 0; v < k_tile; ++v) {
          rows[v] = vectors + (first + std::min(tile + v, count - 1)) * vector_bytes;
        }
        compare(rows, m_dimension, m_panels.data() + panel * panel_floats,
                static_cast<std::int32_t>(panel), best.data() + tile);
      }
    }
    for (std::size_t v = 0; v < count; ++v) {
      std::size_t lane = 0;
      for (std::size_t other = 1; other < k_lanes; ++other) {
        if (best[v].score[other] > best[v].score[lane]) lane = other;
      }
      const auto centroid = static_cast<std::size_t>(best[v].panel[lane]) * k_lanes + lane;
      found[first + v] = {.centroid = static_cast<std::int64_t>(std::min(centroid, m_count - 1)),
                          .score = best[v].score[lane]};
    }
  }
}

}  // namespace vecdb
