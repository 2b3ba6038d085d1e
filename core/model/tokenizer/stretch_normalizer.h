#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/tokenizer/wordpiece_tokenizer.h"

namespace vecdb {

// The normalizers of a tokenizer.json that vecdb has besides BERT's, in the order in which they are
// applied.
struct NormalizerOptions {
  std::string charsmap;   // "Precompiled": SentencePiece's rules; none when empty
  bool composes = false;  // "NFC"
  LetterCase letter_case = LetterCase::k_keep;  // "Lowercase"
  bool strip_left = false;                      // "Strip": white space at the ends
  bool strip_right = false;
  // "Replace": what stands for two or more U+0020 in a row.
  std::optional<std::string> spaces;
};

// Applies them to a stretch of text between added tokens, as Hugging Face's `tokenizers` does.
// Immutable.
class StretchNormalizer {
 public:
  // The charsmap must be one in which find_charsmap_fault finds nothing.
  explicit StretchNormalizer(NormalizerOptions options);

  // `text` is well-formed UTF-8, and so is the result.
  std::string normalize(std::string_view text) const;
  // Whether normalize() returns every text as it is.
  bool is_identity() const;

 private:
  NormalizerOptions m_options;
};

}  // namespace vecdb
