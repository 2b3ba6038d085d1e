#pragma once

#include <memory>
#include <string_view>

#include "text/split/splitter.h"

namespace vecdb {

// Packs whole sentences (Unicode's annex 29, by ICU) into chunks of up to chunk_size, and carries
// whole sentences of up to chunk_overlap from one chunk into the next. A sentence that is longer
// than chunk_size begins a chunk, and is cut at the last place that fits where a line may be
// broken, or else between grapheme clusters: only a single cluster can be longer than chunk_size.
// Chunks are the source's own bytes.
class SentenceSplitter final : public Splitter {
 public:
  // See make_splitter(); everything in the options is filled in.
  SentenceSplitter(SplitterOptions options, std::shared_ptr<const TextMeasure> measure);

  using Splitter::split;
  void split(std::string_view text, const ChunkSink& take) const override;

 private:
  SplitterOptions m_options;
  std::shared_ptr<const TextMeasure> m_measure;
};

}  // namespace vecdb
