#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/tokenizer/tokenizer.h"

namespace vecdb {

// XLM-RoBERTa's tokenizer: SentencePiece's unigram model, with the ids of Hugging Face's
// XLMRobertaTokenizer in Python: <s> 0, <pad> 1, </s> 2, <unk> 3 (once for a run of unknown
// characters), any other piece its number in the file + 1, <mask> last; "<s> … </s>" around a text.
// These five are also recognised inside a text as it is, before it is normalised; white space in
// front of <mask> belongs to it. Hugging Face's tokenizer in Rust gives the same ids but for long
// grapheme clusters (it does not compose U+304B U+3099), U+0085, and full-width "＜s＞".
//
// Time and memory are linear: 1 MB without a space, known or unknown, takes 0.15 s and 25 MB; of
// U+FDFA alone, which becomes 18 characters, a second and 160 MB. Text is taken in parts of 256
// KiB, cut behind white space where there is some; a window of 8192 tokens normally ends long
// before the first cut.
//
// `model` is the content of sentencepiece.bpe.model; `name` is the file's name for errors. Throws
// k_model for anything that check_sentencepiece_model refuses.
std::unique_ptr<Tokenizer> make_sentencepiece_tokenizer(std::string_view model,
                                                        const std::string& name);

// Version of the library.
std::string sentencepiece_version();

}  // namespace vecdb
