#include "text/split/unicode.h"

#include <unicode/uchar.h>
#include <unicode/uset.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/utf8.h"

namespace vecdb {

namespace {

UChar32 to_icu(char32_t character) { return static_cast<UChar32>(character); }

char32_t lower_case(char32_t character) {
  return static_cast<char32_t>(u_tolower(to_icu(character)));
}

// Full mapping, so that U+0390 and U+1FD3 meet in the same three characters.
std::u16string upper_case(char32_t character) {
  std::array<UChar, 2> source{};
  std::array<UChar, 8> target{};  // no character has more than three
  UErrorCode status = U_ZERO_ERROR;
  std::int32_t length = 0;
  u_strFromUTF32(source.data(), source.size(), &length, reinterpret_cast<UChar32*>(&character), 1,
                 &status);
  const std::int32_t upper_length =
      u_strToUpper(target.data(), target.size(), source.data(), length, "", &status);
  if (U_FAILURE(status) != 0) return {};
  return {target.data(), static_cast<std::size_t>(upper_length)};
}

// More than the wanted characters: whatever Unicode's case folding or a Turkic mapping relates.
std::vector<char32_t> related_by_case(char32_t character) {
  constexpr std::u32string_view k_turkic = U"Ii\u0130\u0131";
  const std::unique_ptr<USet, decltype(&uset_close)> set(uset_openEmpty(), &uset_close);
  uset_add(set.get(), to_icu(character));
  uset_closeOver(set.get(), USET_CASE_INSENSITIVE);
  if (k_turkic.find(character) != std::u32string_view::npos) {
    for (const char32_t letter : k_turkic) uset_add(set.get(), to_icu(letter));
  }
  std::vector<char32_t> members;
  for (std::int32_t i = 0; i < uset_getRangeCount(set.get()); ++i) {
    UChar32 first = 0;
    UChar32 last = 0;
    UErrorCode status = U_ZERO_ERROR;
    uset_getItem(set.get(), i, &first, &last, nullptr, 0, &status);
    for (UChar32 c = first; c <= last; ++c) members.push_back(static_cast<char32_t>(c));
  }
  return members;
}

}  // namespace

bool is_python_space(char32_t character) {
  if (character < 0x80) {
    return character == ' ' || (character >= 0x09 && character <= 0x0D) ||
           (character >= 0x1C && character <= 0x1F);
  }
  const UCharDirection direction = u_charDirection(to_icu(character));
  return direction == U_WHITE_SPACE_NEUTRAL || direction == U_BLOCK_SEPARATOR ||
         direction == U_SEGMENT_SEPARATOR || u_charType(to_icu(character)) == U_SPACE_SEPARATOR;
}

std::string_view strip_python_space(std::string_view text) {
  while (!text.empty()) {
    std::size_t next = 0;
    if (!is_python_space(decode_code_point(text, next))) break;
    text.remove_prefix(next);
  }
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while ((static_cast<unsigned char>(text[last]) & 0xC0U) == 0x80U) --last;
    std::size_t next = last;
    if (!is_python_space(decode_code_point(text, next))) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

bool is_python_identifier(std::u32string_view text) {
  if (text.empty()) return false;
  const auto has = [](char32_t character, UProperty property) {
    return u_hasBinaryProperty(to_icu(character), property) != 0;
  };
  return (text[0] == U'_' || has(text[0], UCHAR_XID_START)) &&
         std::all_of(text.begin() + 1, text.end(),
                     [&](char32_t character) { return has(character, UCHAR_XID_CONTINUE); });
}

std::vector<char32_t> python_case_variants(char32_t character) {
  if (u_hasBinaryProperty(to_icu(character), UCHAR_CHANGES_WHEN_CASEMAPPED) == 0) {
    return {character};
  }
  const std::vector<char32_t> related = related_by_case(character);
  const char32_t lower = lower_case(character);
  std::vector<std::u16string> uppers;
  for (const char32_t other : related) {
    if (lower_case(other) == lower) uppers.push_back(upper_case(other));
  }
  std::vector<char32_t> lowers;
  for (const char32_t other : related) {
    if (std::find(uppers.begin(), uppers.end(), upper_case(other)) != uppers.end()) {
      lowers.push_back(lower_case(other));
    }
  }
  std::vector<char32_t> variants;
  std::copy_if(related.begin(), related.end(), std::back_inserter(variants), [&](char32_t other) {
    return std::find(lowers.begin(), lowers.end(), lower_case(other)) != lowers.end();
  });
  return variants;
}

}  // namespace vecdb
