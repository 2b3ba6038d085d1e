#include <algorithm>
#include <utility>

#include "text/split/regex_grammar.h"
#include "text/split/unicode.h"

// The part of the grammar that begins with a parenthesis.
namespace vecdb::regex {

namespace {

constexpr std::size_t k_max_groups = 65535;

std::optional<Flags> flag_of(std::optional<RegexReader::Token> token) {
  if (!token || token->escaped) return std::nullopt;
  switch (token->character) {
    case U'a':
      return k_ascii;
    case U'i':
      return k_ignore_case;
    case U'm':
      return k_multi_line;
    case U's':
      return k_dot_all;
    case U'u':
      return k_unicode;
    case U'x':
      return k_verbose;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<Item> Translator::group(Flags& flags, bool may_set_flags) {
  if (m_reader.take(U'?')) return extension(flags, may_set_flags);
  return capture(std::nullopt, flags);
}

std::optional<Item> Translator::extension(Flags& flags, bool may_set_flags) {
  const auto token = m_reader.expect_next("), unexpected end");
  if (token.is(U'P')) return python_extension(flags);
  if (token.is(U':')) return body("(?:", flags);
  if (token.is(U'>')) return body("(?>", flags);
  if (token.is(U'(')) return condition(flags);
  if (token.is(U'=') || token.is(U'!')) {
    m_out += token.is(U'=') ? "(?=" : "(?!";
    return lookaround(false, flags);
  }
  if (token.is(U'<')) {
    const auto sign = m_reader.expect_next("= or !");
    if (!sign.is(U'=') && !sign.is(U'!')) m_reader.fail("unknown extension ?<");
    m_out += sign.is(U'=') ? "(?<=" : "(?<!";
    return lookaround(true, flags);
  }
  if (token.is(U'#')) {
    while (!m_reader.expect_next("), unterminated comment").is(U')')) {
    }
    return std::nullopt;
  }
  if (flag_of(token) || token.is(U'-')) return flag_group(token, flags, may_set_flags);
  m_reader.fail("unknown extension after (?");
}

std::optional<Item> Translator::python_extension(Flags flags) {
  if (m_reader.take(U'<')) {
    const auto name = m_reader.take_until(U'>', "group name");
    if (!is_python_identifier(name)) m_reader.fail("bad character in a group name");
    return capture(name, flags);
  }
  if (m_reader.take(U'=')) {
    const auto name = m_reader.take_until(U')', "group name");
    return reference(named_group(name), flags);
  }
  m_reader.fail("unknown extension ?P");
}

std::size_t Translator::named_group(const std::u32string& name) {
  const auto found = m_names.find(name);
  if (found == m_names.end()) m_reader.fail("unknown group name");
  return found->second;
}

void Translator::close_parenthesis() {
  if (!m_reader.take(U')')) m_reader.fail("missing ), unterminated subpattern");
  m_out += ")";
}

Item Translator::body(const std::string& opening, Flags flags) {
  Item item = write(ItemKind::k_other, opening);
  item.width = alternatives(flags, false);
  close_parenthesis();
  return item;
}

Item Translator::capture(std::optional<std::u32string> name, Flags flags) {
  const std::size_t number = m_groups.size();
  if (number > k_max_groups) m_reader.fail("too many groups");
  if (name && !m_names.emplace(*name, number).second) {
    m_reader.fail("redefinition of a group name");
  }
  m_groups.emplace_back();
  const Item item = body("(", flags);
  m_groups[number] = item.width;
  return item;
}

// The caller has written the opening.
Item Translator::lookaround(bool behind, Flags flags) {
  const std::size_t opening_length = behind ? 4 : 3;
  const std::size_t start = m_out.size() - opening_length;
  const auto outer = m_groups_before_lookbehind;
  if (behind && !outer) m_groups_before_lookbehind = m_groups.size();
  const Width width = alternatives(flags, false);
  m_groups_before_lookbehind = outer;
  close_parenthesis();
  if (behind && width.min != width.max) m_reader.fail("look-behind requires fixed-width pattern");
  return {ItemKind::k_lookaround, start, {}, 0};
}

Item Translator::condition(Flags flags) {
  const auto name = m_reader.take_until(U')', "group name");
  std::size_t number = 0;
  if (is_python_identifier(name)) {
    number = named_group(name);
  } else {
    for (const char32_t digit : name) {
      if (digit < U'0' || digit > U'9') m_reader.fail("bad character in a group name");
      number = std::min(number * 10 + (digit - U'0'), k_max_groups + 1);
    }
    if (number == 0) m_reader.fail("bad group number");
    m_highest_condition = std::max(m_highest_condition, number);
  }
  check_reference(number);
  Item item = write(ItemKind::k_other, "(?(" + std::to_string(number) + ")");
  item.width = sequence(flags, false);
  Width otherwise;
  if (m_reader.take(U'|')) {
    m_out += "|";
    otherwise = sequence(flags, false);
  }
  item.width = either(item.width, otherwise);
  close_parenthesis();
  return item;
}

Translator::FlagChange Translator::read_flags(RegexReader::Token token) {
  FlagChange change;
  while (const auto flag = flag_of(token)) {
    change.add |= *flag;
    token = m_reader.expect_next("-, : or )");
  }
  if ((change.add & k_types) == k_types) m_reader.fail("flags a and u are incompatible");
  change.global = token.is(U')');
  if (change.global) return change;
  if (token.is(U'-')) {
    token = m_reader.expect_next("flag");
    if (!flag_of(token)) m_reader.fail("missing flag");
    while (const auto flag = flag_of(token)) {
      change.remove |= *flag;
      token = m_reader.expect_next(":");
    }
    if ((change.remove & k_types) != 0) m_reader.fail("cannot turn off flags a and u");
  }
  if (!token.is(U':')) m_reader.fail("unknown flag, or missing :");
  if ((change.add & change.remove) != 0) m_reader.fail("flag turned on and off");
  return change;
}

std::optional<Item> Translator::flag_group(RegexReader::Token token, Flags& flags,
                                           bool may_set_flags) {
  const FlagChange change = read_flags(token);
  if (!change.global) {
    const Flags other_type = (flags & k_ascii) != 0 ? k_unicode : k_ascii;
    if ((change.add & other_type) != 0) {
      // Python finds the start of a match by the outer rules and so misses (?a:\W) on a letter.
      m_reader.fail("flags a and u for a part of the expression are not supported here");
    }
    return body("(?:", (flags | (change.add & ~k_types)) & ~change.remove);
  }
  if (!may_set_flags) {
    m_reader.fail("global flags not at the start of the expression, or with a kept separator");
  }
  flags |= change.add;
  if ((flags & k_types) == k_types) m_reader.fail("flags a and u are incompatible");
  return std::nullopt;
}

}  // namespace vecdb::regex
