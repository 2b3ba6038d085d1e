#include "search/ranking.h"

#include <cmath>
#include <limits>

namespace vecdb {

double cosine_of_units(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

bool is_unit(std::span<const float> vector) {
  return std::abs(cosine_of_units(vector, vector) - 1) < k_unit_tolerance;  // false for a NaN too
}

double rounding_of_product(std::size_t dimension) {
  // |fl(x·y) − x·y| ≤ n·u·|x|·|y| to first order (Higham, Accuracy and Stability of Numerical
  // Algorithms, section 3.1), n additions and products, u = epsilon / 2, unit vectors.
  return static_cast<double>(dimension + 2) *
         static_cast<double>(std::numeric_limits<float>::epsilon());
}

bool is_settled(double kth_exact, double worst_proposed, std::size_t dimension) {
  return worst_proposed + rounding_of_product(dimension) < kth_exact;
}

}  // namespace vecdb
