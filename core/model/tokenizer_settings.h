#pragma once

#include <string>

#include "model/wordpiece_tokenizer.h"

namespace vecdb {

enum class TokenizerKind { k_wordpiece, k_sentencepiece };

// What model.json says of a model's tokenizer.
struct TokenizerSettings {
  TokenizerKind kind = TokenizerKind::k_wordpiece;
  std::string file;            // in the model's folder
  WordPieceOptions wordpiece;  // of a WordPiece tokenizer; of no meaning for another
};

}  // namespace vecdb
