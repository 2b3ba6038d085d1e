#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "model/embedder.h"
#include "pipeline/overflow.h"
#include "pipeline/source.h"
#include "store/store.h"

namespace vecdb {

// How a source becomes chunks and these vectors: as when it is ingested.
struct SourceOptions {
  LoadOptions load;
  SplitterOptions splitter;
  Overflow overflow = Overflow::k_warn;
};

struct SourceVectors {
  std::vector<float> vectors;  // one a chunk, row-major, of unit length
  FitCounts fits;              // of the chunks, into the model's window
  std::vector<Skipped> parts;  // of the source, that were skipped
  bool has_line_end_trouble = false;  // see has_line_end_trouble()
};

// What ingest would store of a source, and stores nothing. Texts that `stored` has are not encoded
// again. Throws k_io, with the reason, for a source that ingest would skip. Nothing when an interrupt
// is pending.
std::optional<SourceVectors> vectors_of_source(Source source, const StoreReader& stored,
                                               Embedder& embedder, const SourceOptions& options);

}  // namespace vecdb
