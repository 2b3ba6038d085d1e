#pragma once

#include <string>

#include "model/tokenizer/wordpiece_tokenizer.h"

namespace vecdb {

enum class TokenizerKind {
  k_wordpiece,      // vocab.txt
  k_sentencepiece,  // sentencepiece.bpe.model
  k_subword,        // tokenizer.vecdb: byte-pair encoding or unigram
};

// What model.json says of a model's tokenizer.
struct TokenizerSettings {
  TokenizerKind kind = TokenizerKind::k_wordpiece;
  std::string file;            // in the model's folder
  WordPieceOptions wordpiece;  // of a WordPiece tokenizer; of no meaning for another
};

}  // namespace vecdb
