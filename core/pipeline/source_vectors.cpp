#include "pipeline/source_vectors.h"

#include <span>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "pipeline/prepare.h"
#include "pipeline/vector_plan.h"

namespace vecdb {

std::optional<SourceVectors> vectors_of_source(Source source, const StoreReader& stored,
                                               Embedder& embedder, const SourceOptions& options) {
  const Preparer preparer({.load = options.load,
                           .splitting = make_splitting(options.splitter, &embedder.model()),
                           .overflow = options.overflow,
                           .embedder = &embedder});
  Prepared prepared = preparer.prepare(std::move(source), std::nullopt);
  if (pending_interrupt() != 0) return std::nullopt;  // what was loaded may be cut short
  const std::string& uri = prepared.record.uri;
  if (prepared.state == SourceState::k_skipped) {
    throw Error(ErrorKind::k_io, uri + ": " + prepared.reason);
  }
  NewDocument document{.record = prepared.record, .chunks = std::move(prepared.chunks), .vectors = {}};
  VectorPlan plan(embedder, options.overflow, &stored, nullptr);
  if (const auto why = plan.add(document)) throw Error(ErrorKind::k_io, uri + ": " + *why);
  if (pending_interrupt() != 0 || !plan.run(std::span(&document, 1))) return std::nullopt;
  SourceVectors result{.vectors = std::move(document.vectors),
                       .fits = {},
                       .parts = std::move(prepared.parts),
                       .has_line_end_trouble = prepared.has_line_end_trouble};
  for (const ChunkRecord& record : document.chunks) result.fits.add(record.fit);
  return result;
}

}  // namespace vecdb
