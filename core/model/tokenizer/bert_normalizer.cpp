#include "model/tokenizer/bert_normalizer.h"

#include <algorithm>

#include "model/tokenizer/bert_characters.h"

namespace vecdb {

void BertNormalizer::add(char32_t character, std::u32string& out) {
  if (is_bert_dropped(character)) return;
  if (is_bert_white_space(character)) character = U' ';
  if (m_options.chinese_characters == ChineseCharacters::k_split && is_bert_chinese(character)) {
    finish(out);
    out.push_back(U' ');
    decompose(character, out);
    out.push_back(U' ');
  } else {
    decompose(character, out);
  }
}

// Canonical ordering needs only the marks since the last starter. ICU's normalizer would do it too,
// but inserts each mark by itself: a megabyte of marks in descending order takes it minutes.
void BertNormalizer::decompose(char32_t character, std::u32string& out) {
  if (m_options.accents == Accents::k_keep) return emit(character, out);
  m_decomposed.clear();
  append_decomposed(m_decomposed, character);
  for (const char32_t part : m_decomposed) {
    const std::uint8_t order = combining_class(part);
    if (order == 0) finish(out);
    if (is_bert_accent(part)) continue;
    if (order == 0) {
      emit(part, out);
    } else {
      m_marks.emplace_back(order, part);
    }
  }
}

void BertNormalizer::release_marks(std::u32string& out) {
  std::ranges::stable_sort(m_marks, {}, [](const auto& mark) { return mark.first; });
  for (const auto& [order, mark] : m_marks) emit(mark, out);
  m_marks.clear();
}

void BertNormalizer::emit(char32_t character, std::u32string& out) const {
  if (m_options.letter_case == LetterCase::k_lower) {
    append_lower_case(out, character);
  } else {
    out.push_back(character);
  }
}

}  // namespace vecdb
