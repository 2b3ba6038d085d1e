#include "text/split/regex_translator.h"

#include <algorithm>
#include <utility>

#include "text/split/regex_grammar.h"

namespace vecdb::regex {

namespace {

std::uint64_t capped(std::uint64_t width) { return std::min(width, k_unlimited); }
Width sum(Width a, Width b) { return {capped(a.min + b.min), capped(a.max + b.max)}; }
}  // namespace

Width either(Width a, Width b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }

std::string Translator::translate() {
  Flags flags = 0;
  alternatives(flags, true);
  if (m_reader.peek()) m_reader.fail("unbalanced parenthesis");
  if (m_highest_condition >= m_groups.size()) m_reader.fail("invalid group reference");
  return std::move(m_out);
}

Width Translator::alternatives(Flags& flags, bool top_level) {
  if (++m_depth > k_max_depth) m_reader.fail("nested too deep");
  Width width = sequence(flags, top_level);
  while (m_reader.take(U'|')) {
    m_out += '|';
    width = either(width, sequence(flags, false));
  }
  --m_depth;
  return width;
}

Width Translator::sequence(Flags& flags, bool may_set_flags) {
  Width total;
  Item last;
  for (auto token = m_reader.peek(); token; token = m_reader.peek()) {
    if (token->is(U'|') || token->is(U')')) break;
    m_reader.next();
    if ((flags & k_verbose) != 0 && skip_verbose(*token)) continue;
    if (!token->escaped) {
      if (const auto repeat = read_repeat(token->character)) {
        quantify(last, *repeat);
        continue;
      }
    }
    const std::size_t groups_before = m_groups.size();
    std::optional<Item> item;
    if (token->is(U'(')) {
      item = group(flags, may_set_flags && last.kind == ItemKind::k_none);
    } else {
      item = atom(*token, flags);
    }
    if (!item) continue;  // a comment, or flags
    total = sum(total, last.width);
    last = *item;
    last.groups_before = groups_before;
  }
  return sum(total, last.width);
}

bool Translator::skip_verbose(RegexReader::Token token) {
  if (token.escaped) return false;
  if (std::u32string_view(U" \t\n\r\v\f").find(token.character) != std::u32string_view::npos) {
    return true;
  }
  if (token.character != U'#') return false;
  while (const auto next = m_reader.next()) {
    if (next->is(U'\n')) break;
  }
  return true;
}

Item Translator::write(ItemKind kind, const std::string& text, Width width) {
  const std::size_t start = m_out.size();
  m_out += text;
  return {kind, start, width, 0};
}

Item Translator::characters(const CharacterClass& characters, Flags flags) {
  const CharacterRules rules{.ignore_case = (flags & k_ignore_case) != 0,
                             .ascii = (flags & k_ascii) != 0};
  return write(ItemKind::k_other, characters.to_pcre2(rules), {1, 1});
}

Item Translator::atom(RegexReader::Token token, Flags flags) {
  if (token.escaped) return escape(token.character, flags);
  switch (token.character) {
    case U'[':
      return characters(CharacterClass::read(m_reader), flags);
    case U'.':
      return write(ItemKind::k_other, (flags & k_dot_all) != 0 ? "." : "\\N", {1, 1});
    case U'^':
    case U'$':
      return position(token.character, flags);
    default:
      return characters(CharacterClass::of_character(token.character), flags);
  }
}

Item Translator::escape(char32_t letter, Flags flags) {
  if (is_category(letter)) return characters(CharacterClass::of_category(letter), flags);
  if (std::u32string_view(U"AZbB").find(letter) != std::u32string_view::npos) {
    return position(letter, flags);
  }
  if (letter >= U'0' && letter <= U'9') return reference_or_octal(letter, flags);
  const auto character = read_character_escape(m_reader, letter);
  if (!character) m_reader.fail("bad escape");
  return characters(CharacterClass::of_character(*character), flags);
}

Item Translator::reference_or_octal(char32_t digit, Flags flags) {
  constexpr std::string_view k_octal_digits = "01234567";
  std::string digits(1, static_cast<char>(digit));
  if (digit == U'0') {
    digits += m_reader.take_while(k_octal_digits, 2);
    return characters(CharacterClass::of_character(octal_value(m_reader, digits)), flags);
  }
  digits += m_reader.take_while("0123456789", 1);
  if (digits.size() == 2 && digits.find_first_not_of(k_octal_digits) == std::string::npos) {
    const std::string third = m_reader.take_while(k_octal_digits, 1);
    if (!third.empty()) {
      return characters(CharacterClass::of_character(octal_value(m_reader, digits + third)), flags);
    }
  }
  return reference(std::stoul(digits), flags);
}

Item Translator::reference(std::size_t group, Flags flags) {
  if (group >= m_groups.size()) m_reader.fail("invalid group reference");
  if (!m_groups[group]) m_reader.fail("cannot refer to an open group");
  check_reference(group);
  if ((flags & k_ignore_case) != 0) {
    // Python compares lower-case forms, PCRE2 case-folded ones: U+017F equals s for PCRE2 only.
    m_reader.fail("a group reference that ignores case is not supported here");
  }
  return write(ItemKind::k_other, "\\g{" + std::to_string(group) + "}", *m_groups[group]);
}

void Translator::check_reference(std::size_t group) {
  if (!m_groups_before_lookbehind) return;
  if (group >= m_groups.size() || !m_groups[group]) m_reader.fail("cannot refer to an open group");
  if (group >= *m_groups_before_lookbehind) {
    m_reader.fail("cannot refer to a group of the same look-behind");
  }
}

Item Translator::position(char32_t letter, Flags flags) {
  const bool multi_line = (flags & k_multi_line) != 0;
  const bool ascii = (flags & k_ascii) != 0;
  const auto text = [&]() -> std::string {
    switch (letter) {
      case U'A':
        return "\\A";
      case U'Z':
        return "\\z";
      case U'^':
        return multi_line ? "(?<![^\\n])" : "\\A";
      case U'$':
        return multi_line ? "(?![^\\n])" : "\\Z";
      case U'b':
        return ascii ? "(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|"
                       "(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))"
                     : "\\b";
      default:
        return ascii ? "(?:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|"
                       "(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))(?!\\A\\z)"
                     : "\\B(?!\\A\\z)";  // in an empty text Python finds neither \b nor \B
    }
  }();
  return write(ItemKind::k_position, text);
}

std::optional<Translator::Repeat> Translator::read_repeat(char32_t character) {
  if (character == U'?') return Repeat{0, 1};
  if (character == U'*') return Repeat{0, k_unlimited};
  if (character == U'+') return Repeat{1, k_unlimited};
  if (character != U'{') return std::nullopt;
  const std::size_t start = m_reader.position();
  const auto number = [&] { return m_reader.take_while("0123456789", std::string::npos); };
  const std::string low = number();
  const bool has_comma = m_reader.take(U',');
  const std::string high = has_comma ? number() : low;
  if (!m_reader.take(U'}') || (low.empty() && !has_comma)) {
    m_reader.seek(start);  // then the brace is a character
    return std::nullopt;
  }
  const auto value = [&](const std::string& digits) {
    if (digits.size() > 9 || std::stoull(digits) > k_max_repeat) {
      m_reader.fail("repeats of more than 65535 are not supported here");
    }
    return std::uint64_t{std::stoull(digits)};
  };
  Repeat repeat;
  if (!low.empty()) repeat.min = value(low);
  if (!high.empty()) repeat.max = value(high);
  if (repeat.max < repeat.min) m_reader.fail("min repeat greater than max repeat");
  return repeat;
}

// Python goes on after a round that matched nothing in fewer cases than PCRE2: (?:a??|ab){,2} and
// the groups of (a*)* come out differently. The two agree on plain * and + without groups.
void Translator::check_empty_rounds(const Item& item, Repeat repeat) {
  if (item.width.min > 0 || repeat.max <= 1) return;
  const bool has_groups = item.groups_before < m_groups.size();
  const bool is_plain = repeat.min <= 1 && repeat.max == k_unlimited;
  if (has_groups || (!is_plain && item.kind != ItemKind::k_lookaround)) {
    m_reader.fail("repeating what can match nothing is not supported here");
  }
}

void Translator::quantify(Item& item, Repeat repeat) {
  if (item.kind == ItemKind::k_none || item.kind == ItemKind::k_position) {
    m_reader.fail("nothing to repeat");
  }
  if (item.kind == ItemKind::k_repeat) m_reader.fail("multiple repeat");
  check_empty_rounds(item, repeat);
  if (item.kind == ItemKind::k_lookaround) {
    m_out.insert(item.start, "(?:");
    m_out += ")";
  }
  m_out += "{" + std::to_string(repeat.min) + ",";
  if (repeat.max != k_unlimited) m_out += std::to_string(repeat.max);
  m_out += "}";
  if (m_reader.take(U'?')) {
    m_out += "?";
  } else if (m_reader.take(U'+')) {
    // Python 3.11 keeps the groups of rounds that it gave up.
    if (item.groups_before < m_groups.size()) {
      m_reader.fail("groups in a possessive repeat are not supported here");
    }
    m_out += "+";
  }
  item.kind = ItemKind::k_repeat;
  item.width = {capped(item.width.min * repeat.min), capped(item.width.max * repeat.max)};
}

}  // namespace vecdb::regex

namespace vecdb {

std::string translate_python_regex(std::string_view expression, WholeMatch whole) {
  return regex::Translator(expression, whole).translate();
}

}  // namespace vecdb
