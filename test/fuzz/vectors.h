#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "store/flat_segment.h"

namespace vecdb::fuzz {

// `count` unit vectors, one after the other; always the same ones.
std::vector<float> unit_vectors(std::size_t count, std::size_t dimension);

// Writes a segment of such vectors into `folder`: of chunks 3, 5, 7 and so on.
SegmentRow write_segment(const std::filesystem::path& folder, std::size_t count,
                         std::size_t dimension);

}  // namespace vecdb::fuzz
