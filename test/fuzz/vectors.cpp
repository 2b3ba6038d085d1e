#include "vectors.h"

#include <cmath>
#include <random>
#include <span>

namespace vecdb::fuzz {

std::vector<float> unit_vectors(std::size_t count, std::size_t dimension) {
  std::minstd_rand random(7);
  std::vector<float> vectors;
  for (std::size_t i = 0; i < count; ++i) {
    float square = 0;
    for (std::size_t j = 0; j < dimension; ++j) {
      vectors.push_back(static_cast<float>(random() % 2001) / 1000 - 1.0005F);
      square += vectors.back() * vectors.back();
    }
    for (std::size_t j = 0; j < dimension; ++j) {
      vectors[vectors.size() - dimension + j] /= std::sqrt(square);
    }
  }
  return vectors;
}

SegmentRow write_segment(const std::filesystem::path& folder, std::size_t count,
                         std::size_t dimension) {
  std::vector<ChunkId> chunks;
  for (std::size_t i = 0; i < count; ++i) chunks.push_back(static_cast<ChunkId>(3 + 2 * i));
  const std::vector<float> vectors = unit_vectors(count, dimension);
  SegmentRow row;
  row.id = 1;
  row.dimension = static_cast<std::int64_t>(dimension);
  write_flat_segment(
      folder, chunks,
      [&](const auto& visit) { visit(std::as_bytes(std::span<const float>(vectors))); }, row);
  return row;
}

}  // namespace vecdb::fuzz
