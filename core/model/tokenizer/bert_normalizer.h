#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/tokenizer/wordpiece_tokenizer.h"

namespace vecdb {

// Hugging Face's BertNormalizer, one character at a time: drop controls, make white space ' ', put
// ' ' around Chinese characters, decompose and strip accents, lower the case, in this order. One
// object serves one text. It holds back marks whose order is not yet settled, and nothing else.
class BertNormalizer {
 public:
  explicit BertNormalizer(const WordPieceOptions& options) : m_options(options) {}

  // Appends to `out` what follows from the next character of the text.
  void add(char32_t character, std::u32string& out);
  // Ends a stretch of text: appends what was held back. Needed before ASCII that skips add().
  void finish(std::u32string& out) {
    if (!m_marks.empty()) release_marks(out);
  }

 private:
  void decompose(char32_t character, std::u32string& out);
  void release_marks(std::u32string& out);
  void emit(char32_t character, std::u32string& out) const;

  WordPieceOptions m_options;
  std::vector<std::pair<std::uint8_t, char32_t>> m_marks;  // combining class and character
  std::u32string m_decomposed;                             // scratch
};

}  // namespace vecdb
