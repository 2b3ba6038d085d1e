#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vecdb {

// Finds for each of many vectors the centroid with the greatest inner product: what making an inverted
// file spends nearly all its time in. FAISS would multiply matrices for it with BLAS, of which we can
// link only the reference one (third_party/faiss.cmake says why), fifty times slower.
class NearestCentroid {
 public:
  struct Found {
    std::int64_t centroid = 0;  // of equals any, but always the same
    float score = 0;
  };

  // `centroids`: row-major, at least one.
  NearestCentroid(std::span<const float> centroids, std::size_t dimension);

  // `vectors` need not be aligned; `found` has an entry for each. One thread; several may call it.
  void find(const std::byte* vectors, std::span<Found> found) const;

 private:
  std::size_t m_dimension;
  std::size_t m_count;
  // Panels of some centroids, side by side: first the first component of each, then the second ….
  std::vector<float> m_panels;
};

}  // namespace vecdb
