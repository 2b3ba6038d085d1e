#pragma once

#include <cstdint>

namespace vecdb {

// The version of docs/FORMAT.md that HEAD and the catalogue carry.
inline constexpr std::int64_t k_store_format = 3;

// What `vecdb migrate` can still read.
inline constexpr std::int64_t k_oldest_store_format = 2;

}  // namespace vecdb
