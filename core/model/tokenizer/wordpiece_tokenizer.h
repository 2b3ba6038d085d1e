#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/tokenizer/tokenizer.h"

namespace vecdb {

enum class LetterCase { k_lower, k_keep };
enum class Accents { k_strip, k_keep };
enum class ChineseCharacters { k_split, k_keep };

struct WordPieceOptions {
  LetterCase letter_case = LetterCase::k_lower;
  Accents accents = Accents::k_strip;  // BERT strips them exactly when it lower-cases, unless told
  ChineseCharacters chinese_characters = ChineseCharacters::k_split;
};

// BERT's tokenizer, with the same ids as Hugging Face's `tokenizers` (BertNormalizer,
// BertPreTokenizer, WordPiece with "##" and at most 100 characters a word, "[CLS] … [SEP]"). The
// special tokens [PAD] [UNK] [CLS] [SEP] [MASK] are also recognised inside a text.
//
// `vocabulary` is the content of vocab.txt: one token a line, the line number from 0 is the id;
// '\n' or "\r\n" ends a line. `name` is the file's name for errors. Throws k_model for a vocabulary
// that is not UTF-8, lacks a special token, holds a token twice or an empty line before its end.
std::unique_ptr<Tokenizer> make_wordpiece_tokenizer(std::string_view vocabulary,
                                                    const std::string& name,
                                                    const WordPieceOptions& options);

}  // namespace vecdb
