#pragma once

#include <memory>
#include <string>

#include "model/model.h"
#include "text/split/splitter.h"

namespace vecdb {

// Counts the tokens of a passage as the model reads it: how many more it has with the text after
// the model's own words than with these alone. Special tokens are not counted, so that without such
// words it is what LangChain's from_huggingface_tokenizer counts. Does not need libtorch.
class TokenMeasure final : public TextMeasure {
 public:
  explicit TokenMeasure(const Model& model);  // refers to it

  std::size_t length(std::string_view text) const override;
  // What the window leaves for a text: one that is not longer is encoded whole.
  std::size_t room() const noexcept;

 private:
  const Model& m_model;
  std::size_t m_overhead;  // tokens of the model's words and special ones
};

// How texts are split, with everything filled in.
struct Splitting {
  SplitterOptions options;
  std::shared_ptr<const TextMeasure> measure;  // nothing: lengths are code points
  std::unique_ptr<Splitter> splitter;
  // As it is stored with a document: one line of JSON that names all that changes the chunks, the
  // model's fingerprint too where lengths are tokens.
  std::string description;
};

// `model` is wanted where lengths are tokens, and must outlive the result. There, chunk_size is the
// room that the window leaves unless it is given. Throws k_usage like make_splitter(), and for a
// chunk_size over that room.
Splitting make_splitting(const SplitterOptions& options, const Model* model);

}  // namespace vecdb
