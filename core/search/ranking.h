#pragma once

#include <cstddef>
#include <span>

// How near two unit vectors are, computed in one fixed order so that a pair always has the same
// score, and the rule that makes proposals of an index into an exact answer.
namespace vecdb {

// Inner product, summed in float64 from the first component to the last: the cosine of unit
// vectors.
double cosine_of_units(std::span<const float> a, std::span<const float> b);

// Squared Euclidean distance, summed likewise; for unit vectors 2 − 2·cosine up to rounding.
double squared_distance(std::span<const float> a, std::span<const float> b);

// By how much the square of a stored vector's length may differ from 1.
inline constexpr double k_unit_tolerance = 1e-3;

// What the float32 inner product of two unit vectors, in any order of summing, may be off by.
double rounding_of_product(std::size_t dimension);

// Whether a vector is of unit length, up to that tolerance.
bool is_unit(std::span<const float> vector);

// Whether the best `k` of the whole index are surely among the proposals. `worst_proposed` is the
// smallest score that the index itself gave to a proposal, in float32 and any order of summing;
// `kth_exact` the k-th best exact score. A row that was not proposed has at most worst_proposed,
// plus what rounding can add at this dimension. A tie at the border is never settled: it is the
// caller who breaks ties, so all of its members must be proposed.
bool is_settled(double kth_exact, double worst_proposed, std::size_t dimension);

}  // namespace vecdb
