#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/bpe_model.h"
#include "model/tokenizer/stretch_normalizer.h"
#include "model/tokenizer/unigram_model.h"
#include "model/tokenizer/word_splitter.h"

namespace vecdb {

// A tokenizer.json as far as it decides about ids: what a text goes through, in this order.
struct SubwordParts {
  std::size_t tokens = 0;  // every id is less
  std::vector<AddedToken> added;
  NormalizerOptions normalizer;
  WordOptions words;
  std::variant<BpeParts, UnigramParts> model;
  TokenId opening = 0;  // put around the text's ids
  TokenId closing = 0;
};

inline constexpr std::size_t k_max_added_tokens = 256;
inline constexpr std::size_t k_max_piece_bytes = 1024;

// The file that holds it in a model folder, tokenizer.vecdb: docs/FORMAT.md, "A model's tokenizer".
std::string write_subword_file(const SubwordParts& parts);

// The inverse. Proves everything that the parts' users take for granted. Throws k_model naming
// `name` and what is wrong.
SubwordParts read_subword_file(std::string_view file, const std::string& name);

}  // namespace vecdb
