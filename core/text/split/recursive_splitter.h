#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "text/split/separator.h"
#include "text/split/splitter.h"

namespace vecdb {

// Splits a text as LangChain's RecursiveCharacterTextSplitter does (langchain-text-splitters 1.1.3,
// the reference for every result): at the first of the separators that occurs in the text; pieces
// shorter than chunk_size are joined as CharacterSplitter joins them, and the others are split
// again, each as a text of its own, at the separators that follow. A piece without any of those is
// kept whole, white space included, unless sizes have a measure: then it is cut where a line may be
// broken, or between graphemes, so that no chunk but a single grapheme is longer than chunk_size.
class RecursiveSplitter final : public Splitter {
 public:
  // See make_splitter(); everything in the options is filled in.
  RecursiveSplitter(SplitterOptions options, std::shared_ptr<const TextMeasure> measure);
  ~RecursiveSplitter() override;

  using Splitter::split;
  void split(std::string_view text, const ChunkSink& take) const override;

 private:
  class Level;  // a separator, and how to tell whether it occurs
  class Run;    // over one text

  SplitterOptions m_options;
  std::shared_ptr<const TextMeasure> m_measure;
  std::vector<Level> m_levels;
};

}  // namespace vecdb
