#include "model/tokenizer/bert_characters.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include <array>
#include <cassert>
#include <span>

namespace vecdb {

namespace {

constexpr int k_categories_version = 8;
constexpr int k_decompositions_version = 9;

// Longest full mapping of one character, in UTF-16 (canonical decompositions have at most 4).
using Mapping = std::array<UChar, 18>;

UChar32 to_icu(char32_t character) { return static_cast<UChar32>(character); }

// Whether the character was assigned in that major version of Unicode or before.
bool is_known(char32_t character, int version) {
  UVersionInfo age{};
  u_charAge(to_icu(character), age);
  return age[0] <= version;
}

// The category that Unicode 8 gave. Where later versions changed it, its own answer is kept.
std::uint32_t category_mask(char32_t character) {
  switch (character) {
    case 0x166D:   // now a symbol
    case 0x111C9:  // now an accent
      return U_GC_PO_MASK;
    case 0x1734:  // now a spacing mark
      return U_GC_MN_MASK;
    case 0x1885:  // now accents
    case 0x1886:
      return U_GC_LO_MASK;
    case 0xA9BD:  // now an accent
      return U_GC_MC_MASK;
    default:
      return is_known(character, k_categories_version) ? U_GET_GC_MASK(to_icu(character))
                                                       : U_GC_CN_MASK;
  }
}

void append_utf16(std::u32string& out, std::span<const UChar> units) {
  for (std::size_t i = 0; i < units.size();) {
    UChar32 character = 0;
    U16_NEXT(units.data(), i, units.size(), character);
    out.push_back(static_cast<char32_t>(character));
  }
}

const UNormalizer2* nfd() {
  UErrorCode status = U_ZERO_ERROR;
  static const UNormalizer2* const instance = unorm2_getNFDInstance(&status);
  assert(instance != nullptr);
  return instance;
}

}  // namespace

bool is_bert_dropped(char32_t character) {
  if (character == '\t' || character == '\n' || character == '\r') return false;
  constexpr std::uint32_t k_dropped = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK;
  return character == 0xFFFD || (category_mask(character) & k_dropped) != 0;
}

bool is_bert_white_space(char32_t character) { return u_isUWhiteSpace(to_icu(character)) != 0; }

bool is_bert_punctuation(char32_t character) {
  if (character < 0x80) {
    return (character >= 33 && character <= 47) || (character >= 58 && character <= 64) ||
           (character >= 91 && character <= 96) || (character >= 123 && character <= 126);
  }
  return (category_mask(character) & U_GC_P_MASK) != 0;
}

// The blocks that BERT's own tokenization.py lists, not a Unicode property: extensions after E are
// left out, and extension E starts at U+2B920, as in `tokenizers`, where tokenization.py has
// U+2B820.
bool is_bert_chinese(char32_t character) {
  const auto is_in = [character](char32_t first, char32_t last) {
    return character >= first && character <= last;
  };
  return is_in(0x4E00, 0x9FFF) || is_in(0x3400, 0x4DBF) || is_in(0x20000, 0x2A6DF) ||
         is_in(0x2A700, 0x2B73F) || is_in(0x2B740, 0x2B81F) || is_in(0x2B920, 0x2CEAF) ||
         is_in(0xF900, 0xFAFF) || is_in(0x2F800, 0x2FA1F);
}

bool is_bert_accent(char32_t character) { return (category_mask(character) & U_GC_MN_MASK) != 0; }

std::uint8_t combining_class(char32_t character) {
  const std::uint8_t value = u_getCombiningClass(to_icu(character));
  return value != 0 && is_known(character, k_decompositions_version) ? value : std::uint8_t{0};
}

void append_decomposed(std::u32string& out, char32_t character) {
  Mapping mapping;
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t length = unorm2_getDecomposition(nfd(), to_icu(character), mapping.data(),
                                                      std::ssize(mapping), &status);
  if (length < 0 || !is_known(character, k_decompositions_version)) {
    out.push_back(character);
  } else {
    append_utf16(out, {mapping.data(), static_cast<std::size_t>(length)});
  }
}

std::optional<char32_t> compose(char32_t first, char32_t second) {
  UErrorCode status = U_ZERO_ERROR;
  static const UNormalizer2* const nfc = unorm2_getNFCInstance(&status);
  const UChar32 found = unorm2_composePair(nfc, to_icu(first), to_icu(second));
  if (found < 0) return std::nullopt;
  const auto composed = static_cast<char32_t>(found);
  return is_known(composed, k_decompositions_version) ? std::optional(composed) : std::nullopt;
}

void append_lower_case(std::u32string& out, char32_t character) {
  // A character whose one-character mapping is itself has no longer mapping either.
  if (u_tolower(to_icu(character)) == to_icu(character)) {
    out.push_back(character);
    return;
  }
  std::array<UChar, 2> unit{};
  std::size_t units = 0;
  U16_APPEND_UNSAFE(unit.data(), units, to_icu(character));
  Mapping mapping;
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t length = u_strToLower(mapping.data(), std::ssize(mapping), unit.data(),
                                           static_cast<std::int32_t>(units), "", &status);
  append_utf16(out, {mapping.data(), static_cast<std::size_t>(length)});
}

}  // namespace vecdb
