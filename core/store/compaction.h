#pragma once

#include <cstddef>
#include <span>

#include "store/rows.h"

// When segments are worth being written anew as one.
namespace vecdb {

// Neighbours in the order of their chunks; `count` 0 for none.
struct SegmentRun {
  std::size_t first = 0;
  std::size_t count = 0;
};

// What a writer merges by itself after a commit; to be asked again until it is none. `segments` are
// in order of their chunks. A segment of which a quarter is dead is written anew;
// one that has an index, which is lost by that, when it is half, and it is not merged with others.
// Eight segments of one order of magnitude, base eight, become one with all smaller ones after the
// first of them: so a vector is copied once for each time that the store has grown eightfold, and a
// store has few segments, whatever its commits.
SegmentRun due_compaction(std::span<const SegmentRow> segments);

}  // namespace vecdb
