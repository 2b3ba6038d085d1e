#pragma once

#include <memory>
#include <string_view>

#include "text/split/separator.h"
#include "text/split/splitter.h"

namespace vecdb {

// Splits a text as LangChain's CharacterTextSplitter does (langchain-text-splitters 1.1.3, the
// reference for every result): split at the separator, then join neighbouring pieces while they fit
// into chunk_size, carrying up to chunk_overlap from one chunk into the next. A piece that is
// longer than chunk_size is kept whole.
class CharacterSplitter final : public Splitter {
 public:
  // See make_splitter(); everything in the options is filled in.
  CharacterSplitter(SplitterOptions options, std::shared_ptr<const TextMeasure> measure);

  using Splitter::split;
  void split(std::string_view text, const ChunkSink& take) const override;

 private:
  SplitterOptions m_options;
  std::shared_ptr<const TextMeasure> m_measure;
  Separator m_separator;
};

}  // namespace vecdb
