#include "text/split/character_class.h"

#include <algorithm>
#include <cstdint>
#include <sstream>

#include "text/split/unicode.h"

namespace vecdb {

namespace {

bool is_surrogate(char32_t character) { return character >= 0xD800 && character <= 0xDFFF; }

std::string code_point_to_pcre2(char32_t character) {
  std::ostringstream out;
  out << "\\x{" << std::hex << static_cast<std::uint32_t>(character) << "}";
  return out.str();
}

// One end of a range in [ ], or a category.
struct Member {
  char32_t character = 0;
  bool is_category = false;
};

Member read_member(RegexReader& reader, RegexReader::Token token) {
  if (!token.escaped) return {token.character};
  const char32_t letter = token.character;
  if (is_category(letter)) return {letter, true};
  if (letter == U'b') return {U'\b'};
  if (letter >= U'0' && letter <= U'7') {
    const char first = static_cast<char>(letter);
    return {octal_value(reader, first + reader.take_while("01234567", 2))};
  }
  const auto character = read_character_escape(reader, letter);
  if (!character) reader.fail("bad escape in a character set");
  return {*character};
}

// Inside [ ]; the letter is lower case. PCRE2's own \s differs: it has U+180E and lacks U+001C to
// U+001F.
std::string category_to_pcre2(char32_t letter, bool ascii) {
  if (letter == U'w') return ascii ? "0-9A-Z_a-z" : "\\w";
  if (letter == U'd') return ascii ? "0-9" : "\\d";
  return ascii ? "\\x20\\t-\\r" : "\\p{Z}\\t-\\r\\x1c-\\x1f\\x85";
}

std::vector<char32_t> case_variants(char32_t character, bool ascii) {
  if (!ascii) return python_case_variants(character);
  const bool is_upper = character >= U'A' && character <= U'Z';
  const bool is_lower = character >= U'a' && character <= U'z';
  if (!is_upper && !is_lower) return {character};
  return {character & ~char32_t{0x20}, character | char32_t{0x20}};
}

}  // namespace

bool is_category(char32_t letter) {
  return std::u32string_view(U"dDsSwW").find(letter) != std::u32string_view::npos;
}

CharacterClass CharacterClass::of_character(char32_t character) {
  CharacterClass result;
  result.m_ranges.emplace_back(character, character);
  return result;
}

CharacterClass CharacterClass::of_category(char32_t letter) {
  CharacterClass result;
  result.m_categories.push_back(letter);
  return result;
}

CharacterClass CharacterClass::read(RegexReader& reader) {
  CharacterClass result;
  result.m_negated = reader.take(U'^');
  const auto add = [&](Member member) {
    if (member.is_category) {
      result.m_categories.push_back(member.character);
    } else {
      result.m_ranges.emplace_back(member.character, member.character);
    }
  };
  const std::string end = "], unterminated character set";
  for (bool first = true;; first = false) {
    const auto token = reader.expect_next(end);
    if (token.is(U']') && !first) break;
    const Member low = read_member(reader, token);
    if (!reader.take(U'-')) {
      add(low);
      continue;
    }
    const auto high_token = reader.expect_next(end);
    if (high_token.is(U']')) {
      add(low);
      add({U'-'});
      break;
    }
    const Member high = read_member(reader, high_token);
    if (low.is_category || high.is_category || high.character < low.character) {
      reader.fail("bad character range");
    }
    result.m_ranges.emplace_back(low.character, high.character);
  }
  return result;
}

std::string CharacterClass::ranges_to_pcre2(CharacterRules rules) const {
  std::string out;
  const auto emit = [&](char32_t low, char32_t high) {
    // Surrogates are characters to Python, but none stands in well-formed UTF-8.
    if (is_surrogate(low)) low = 0xE000;
    if (is_surrogate(high)) high = 0xD7FF;
    if (low > high) return;
    out += code_point_to_pcre2(low);
    if (high != low) out += "-" + code_point_to_pcre2(high);
  };
  for (const auto& [low, high] : m_ranges) {
    emit(low, high);
    if (!rules.ignore_case) continue;
    for (char32_t character = low; character <= high; ++character) {
      for (const char32_t variant : case_variants(character, rules.ascii)) {
        if (variant >= low && variant <= high) continue;
        emit(variant, variant);
      }
    }
  }
  return out;
}

std::string CharacterClass::to_pcre2(CharacterRules rules) const {
  std::string members = ranges_to_pcre2(rules);
  std::vector<std::string> complements;  // inside [^ ]: PCRE2 cannot write [\S,] in one class
  for (const char32_t letter : m_categories) {
    const bool is_complement = letter < U'a';
    const std::string category = category_to_pcre2(letter | char32_t{0x20}, rules.ascii);
    if (is_complement) {
      complements.push_back(category);
    } else {
      members += category;
    }
  }
  if (complements.empty()) {
    if (members.empty()) return m_negated ? "." : "(?!)";  // surrogates only
    return (m_negated ? "[^" : "[") + members + "]";
  }
  if (complements.size() == 1 && members.empty()) {
    return (m_negated ? "[" : "[^") + complements[0] + "]";
  }
  std::string alternatives = members.empty() ? "" : "[" + members + "]";
  for (const auto& complement : complements) {
    if (!alternatives.empty()) alternatives += "|";
    alternatives += "[^" + complement + "]";
  }
  return m_negated ? "(?:(?!" + alternatives + ").)" : "(?:" + alternatives + ")";
}

}  // namespace vecdb
