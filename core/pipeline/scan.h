#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "store/store.h"

namespace vecdb {

// Compares every chunk, or those of `among` when it is not nullptr, with every vector (row-major, at
// least one): the chunks that can be among the k whose best inner product with one of them is
// greatest. All of these are among them, and few others, in no order: who asks computes the scores.
// Uses no index. Nothing when an interrupt is pending.
std::optional<std::vector<ChunkId>> scan_for_nearest(const StoreReader& store,
                                                     std::span<const float> vectors, std::size_t k,
                                                     const ChunkRanges* among);

}  // namespace vecdb
