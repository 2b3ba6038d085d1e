#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace vecdb {

// The pre-tokenizers of a tokenizer.json that vecdb has besides BERT's: first a split, then the
// form that words take.
enum class WordSplit {
  k_none,
  k_words,        // "Whitespace": runs of \w, and of what is neither \w nor \s
  k_white_space,  // "WhitespaceSplit": runs of what is not \s
};

enum class WordForm {
  k_plain,
  // "Metaspace": U+2581 for U+0020 and, where there is none, at the front; a word starts at each.
  k_metaspace,
  // "ByteLevel": words are cut by GPT-2's pattern, if at all; a model sees their bytes.
  k_byte_level,
};

struct WordOptions {
  WordSplit split = WordSplit::k_none;
  WordForm form = WordForm::k_plain;
  bool space_before = false;  // of k_byte_level: U+0020 is put in front where there is none
  bool by_pattern = true;     // of k_byte_level
};

// Calls `on_word` for each word of a normalised stretch of text, as Hugging Face's `tokenizers`
// cuts it; a word is never empty and is valid during the call only.
void split_words(std::string_view text, const WordOptions& options,
                 const std::function<void(std::string_view)>& on_word);

// The end of the first match of GPT-2's pattern in `text`, which must not be empty:
// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t end_of_gpt2_word(std::string_view text);

}  // namespace vecdb
