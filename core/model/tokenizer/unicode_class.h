#pragma once

#include <cstdint>

// Classes of characters by ICU's Unicode version (72: Unicode 15.0), as the patterns of Hugging
// Face's `tokenizers` 0.23 see them, which know Unicode 16: for the 4924 letters and 80 numbers
// that are younger than ICU these answers differ (tested with every code point).
// All functions take Unicode scalar values.
namespace vecdb {

// Of GPT-2's pattern: \p{L}, \p{N}, \s and everything else.
enum class CharacterClass : std::uint8_t { k_letter, k_number, k_space, k_other };
CharacterClass character_class(char32_t character);

// Unicode's White_Space: \s, and Rust's char::is_whitespace.
bool is_white_space(char32_t character);

// \w: alphabetic characters, marks, decimal digits, connecting punctuation and joiners.
bool is_word_character(char32_t character);

}  // namespace vecdb
