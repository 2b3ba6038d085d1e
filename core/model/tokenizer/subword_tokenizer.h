#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/tokenizer/tokenizer.h"

namespace vecdb {

// A tokenizer of byte-pair encoding or a unigram model, with the ids of Hugging Face's `tokenizers`
// 0.23.3 for the tokenizer.json that it was made from (checkpoint_tokenizer.h). Different are texts
// with characters that ICU does not know yet: see unicode_class.h and bert_characters.h.
//
// Time and memory are bounded by n log n for a text of n bytes: a megabyte without a space takes
// two seconds. Reading the file takes 4 ms for 50,000 merges, 0.1 s for 250,000 unigram pieces.
//
// `file` is the content of tokenizer.vecdb; `name` is the file's name for errors. Throws k_model
// for anything that read_subword_file refuses.
std::unique_ptr<Tokenizer> make_subword_tokenizer(std::string_view file, const std::string& name);

}  // namespace vecdb
