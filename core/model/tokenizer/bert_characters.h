#pragma once

#include <cstdint>
#include <optional>
#include <string>

// What BERT's tokenizer asks about a character. The answers are those of Hugging Face's
// `tokenizers`, which were in force when models were trained and are therefore not simply those of
// the newest Unicode: its categories are of Unicode 8 and its decompositions and combining classes
// of Unicode 9, so a character that is younger has none. Letter case and white space are those of
// the Unicode that each is built with: ICU 72 does not know the 55 upper-case letters of Unicode 16
// and 17 that `tokenizers` 0.23 lower-cases.
// All functions take Unicode scalar values.
namespace vecdb {

// U+0000, U+FFFD and the controls, format and private-use characters that are dropped from a text;
// tab, line feed and carriage return are white space instead.
bool is_bert_dropped(char32_t character);
bool is_bert_white_space(char32_t character);
// Also every ASCII symbol, such as '$' and '`', that Unicode does not call punctuation.
bool is_bert_punctuation(char32_t character);
bool is_bert_chinese(char32_t character);
// A mark that has no width of its own: what is removed with Accents::k_strip.
bool is_bert_accent(char32_t character);

// Canonical combining class: marks are ordered by it after decomposition; 0 is never moved.
std::uint8_t combining_class(char32_t character);
// Canonical decomposition, the character itself when it has none.
void append_decomposed(std::u32string& out, char32_t character);
// The character that the two are together in canonical composition, if there is one.
std::optional<char32_t> compose(char32_t first, char32_t second);
// Lower-case form without regard to neighbours: one character, or several (U+0130).
void append_lower_case(std::u32string& out, char32_t character);

}  // namespace vecdb
