#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/selection.h"
#include "store/store.h"

// Which chunks of a store say nearly the same.
//
// The rule: the chunks are gone through in order of uri, then number. One whose cosine with a chunk
// that was kept before reaches the threshold is a duplicate of it, of the nearest where there are
// several, of equals the first; every other one is kept. (Leader clustering: J. A. Hartigan,
// Clustering Algorithms, 1975, chapter 3.) So each duplicate is as near to what is kept of it as was
// asked for, and no two that are kept are. Connected components promise neither: they reach from
// one chunk to another that has nothing to do with it, by way of those in between. SemDeDup (Abbas
// et al., arXiv:2303.09540) drops what is near to any chunk before it, kept or not, and only looks
// inside clusters.
namespace vecdb {

struct DuplicateOptions {
  double threshold = 0.95;       // of the cosine, at least 0; 1: equal vectors
  std::optional<Filter> filter;  // chunks that do not pass are neither duplicates nor kept
  std::size_t threads = 1;       // make no difference to what is found
};

struct Duplicate {
  ChunkId chunk = 0;
  double score = 0;  // the cosine with the chunk that is kept; 1 for an equal vector
};

struct DuplicateGroup {
  ChunkId kept = 0;
  std::vector<Duplicate> duplicates;  // at least one; best first, equal scores by uri and number
};

struct Duplicates {
  std::vector<DuplicateGroup> groups;  // in order of what is kept
  // Documents all of whose chunks are duplicates, and so of chunks in other documents; in byte order.
  std::vector<std::string> redundant;
  std::uint64_t chunks = 0;              // that were compared
  std::uint64_t duplicates = 0;          // of them
  std::vector<UnknownKey> unknown_keys;  // of the filter
};

// Told which share of the work is done, from 0 to 1.
using DuplicateProgress = std::function<void(double share)>;

// Compares all chunks, exactly; takes some 50 bytes a chunk beside the mapped vectors, and time that
// grows with their number's square. Nothing when an interrupt is pending.
std::optional<Duplicates> find_duplicates(const StoreReader& store, const DuplicateOptions& options,
                                          const DuplicateProgress& progress);

}  // namespace vecdb
