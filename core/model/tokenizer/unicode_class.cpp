#include "model/tokenizer/unicode_class.h"

#include <unicode/uchar.h>

#include <array>

namespace vecdb {

namespace {

UChar32 to_icu(char32_t character) { return static_cast<UChar32>(character); }

CharacterClass class_by_icu(char32_t character) {
  const std::uint32_t category = U_GET_GC_MASK(to_icu(character));
  if ((category & U_GC_L_MASK) != 0) return CharacterClass::k_letter;
  if ((category & U_GC_N_MASK) != 0) return CharacterClass::k_number;
  return is_white_space(character) ? CharacterClass::k_space : CharacterClass::k_other;
}

constexpr auto k_ascii_classes = [] {
  std::array<CharacterClass, 0x80> classes{};
  for (unsigned c = 0; c < classes.size(); ++c) {
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
      classes[c] = CharacterClass::k_letter;
    } else if (c >= '0' && c <= '9') {
      classes[c] = CharacterClass::k_number;
    } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
      classes[c] = CharacterClass::k_space;
    } else {
      classes[c] = CharacterClass::k_other;
    }
  }
  return classes;
}();

}  // namespace

CharacterClass character_class(char32_t character) {
  return character < k_ascii_classes.size() ? k_ascii_classes[character] : class_by_icu(character);
}

bool is_white_space(char32_t character) { return u_isUWhiteSpace(to_icu(character)) != 0; }

bool is_word_character(char32_t character) {
  return u_hasBinaryProperty(to_icu(character), UCHAR_ALPHABETIC) != 0 ||
         u_hasBinaryProperty(to_icu(character), UCHAR_JOIN_CONTROL) != 0 ||
         (U_GET_GC_MASK(to_icu(character)) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
}

}  // namespace vecdb
