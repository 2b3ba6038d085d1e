#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/store.h"

namespace vecdb {

struct RankedDocument {
  std::string uri;
  double score = 0;  // the cosine of its nearest chunk

  friend bool operator==(const RankedDocument&, const RankedDocument&) = default;
};

struct DocumentLimits {
  std::size_t k = 10;    // at least 1
  std::string left_out;  // the uri of a document that is no answer; empty for none
  SearchEffort effort;
};

// The documents nearest to a unit vector of the store's dimension, best first, each once: the best
// k of the store, exactly or as far as `effort` finds their chunks. Equal scores are in descending
// order of uri, which is what trec_eval makes of a run. Nothing when an interrupt is pending.
std::optional<std::vector<RankedDocument>> nearest_documents(const StoreReader& store,
                                                             std::span<const float> vector,
                                                             const DocumentLimits& limits);

}  // namespace vecdb
