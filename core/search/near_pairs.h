#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace vecdb {

// A vector of floats wherever it lies, not aligned for them.
using VectorAddress = const std::byte*;

// Compares a block of vectors with any others, each with each: what finding near-duplicates spends
// its time in. Several threads may use one.
class VectorsToCompare {
 public:
  // `vectors`: at least one, copied.
  VectorsToCompare(std::span<const VectorAddress> vectors, std::size_t dimension);

  // Calls visit(v, o, product) for vector v of the block and other o, both by number, where their
  // inner product is at least `least`: in float32 and any order of summing, so that who wants to be
  // exact asks for a little less and computes again. In any order, but always the same.
  using Visit = std::function<void(std::size_t vector, std::size_t other, float product)>;
  void each_near(std::span<const VectorAddress> others, float least, const Visit& visit) const;

 private:
  std::size_t m_dimension;
  std::size_t m_count;
  // Panels of some vectors, side by side: first the first component of each, then the second ….
  std::vector<float> m_panels;
};

}  // namespace vecdb
