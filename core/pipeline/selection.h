#pragma once

#include <functional>
#include <string>
#include <vector>

#include "search/filter.h"
#include "store/store.h"

// What a filter lets pass of a store, found out before anything is searched.
namespace vecdb {

// A key of a filter that no metadata in the store has.
struct UnknownKey {
  std::string name;
  std::string nearest;  // the fact or key that may be meant, or nothing
};

// What people are told of them, a sentence each, the first three by name; `filter` is what the filter
// is called.
std::vector<std::string> warnings_of(const std::vector<UnknownKey>& keys,
                                     const std::string& filter);

// A document of which something passes, and its chunks that do. A document without chunks passes
// by what is known of itself.
using VisitPassing = std::function<void(const DocumentSummary&, const ChunkRanges&)>;

// Hands on what passes, in byte order of the uris. Rows of chunks are only read where the filter
// depends on their own metadata. Ends early when an interrupt is pending. Throws k_damaged.
std::vector<UnknownKey> each_passing(const StoreReader& store, const Filter& filter,
                                     const VisitPassing& visit);

struct Selection {
  ChunkRanges chunks;
  std::vector<UnknownKey> unknown_keys;
};

// All chunks that pass.
Selection select_chunks(const StoreReader& store, const Filter& filter);

// Sorts ranges that share no chunk, and joins those that meet.
void sort_and_join(ChunkRanges& ranges);

}  // namespace vecdb
