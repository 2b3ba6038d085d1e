#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/json_fields.h"
#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/stretch_normalizer.h"
#include "model/tokenizer/word_splitter.h"

namespace vecdb {

// The tokenizer.json of a Hugging Face checkout, a component at a time. Each function throws
// k_model with the file, the component and its key for whatever vecdb cannot do exactly as
// `tokenizers` does: a component, key or value that is not known is refused, never passed over.
class TokenizerJson {
 public:
  explicit TokenizerJson(std::filesystem::path path);

  const std::filesystem::path& path() const noexcept { return m_path; }

  // The model's type: "WordPiece", "Unigram", "BPE" …
  std::string model_type() const;
  JsonFields component(const std::string& key) const;

  // The tokens that post_processor puts around a text.
  struct Wrapping {
    std::string opening;
    std::string closing;
    TokenId opening_id = 0;
    TokenId closing_id = 0;
  };
  Wrapping wrapping() const;

  std::vector<AddedToken> added_tokens() const;
  NormalizerOptions normalizer() const;
  WordOptions words() const;

  Error wrong(const std::string& why) const;

 private:
  std::filesystem::path m_path;
  std::string m_name;
  Json m_root;
};

// Tokens in the order of their ids, from an object of ids that must be 0, 1, 2 … without a gap.
std::vector<std::string> tokens_in_order(const Json& vocabulary, const JsonFields& fields);

}  // namespace vecdb
