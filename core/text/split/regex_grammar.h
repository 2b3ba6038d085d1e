#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/split/character_class.h"
#include "text/split/regex_reader.h"
#include "text/split/regex_translator.h"

// Private to regex_translator.cpp and regex_groups.cpp.
namespace vecdb::regex {

using Flags = unsigned;
inline constexpr Flags k_ascii = 1;
inline constexpr Flags k_ignore_case = 2;
inline constexpr Flags k_multi_line = 4;
inline constexpr Flags k_dot_all = 8;
inline constexpr Flags k_unicode = 16;
inline constexpr Flags k_verbose = 32;
inline constexpr Flags k_types = k_ascii | k_unicode;

inline constexpr std::uint64_t k_unlimited = 4294967295;  // Python's MAXREPEAT
inline constexpr std::uint64_t k_max_repeat = 65535;      // PCRE2's
inline constexpr int k_max_depth = 200;

// Characters that a part of the expression can match, capped at k_unlimited.
struct Width {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};
Width either(Width a, Width b);

enum class ItemKind { k_none, k_position, k_lookaround, k_repeat, k_other };

// What a quantifier would apply to.
struct Item {
  ItemKind kind = ItemKind::k_none;
  std::size_t start = 0;  // in the output
  Width width;
  std::size_t groups_before = 0;  // number of the first group inside it
};

// One translation. Follows the grammar of Python's own parser, a method a rule, and writes while it
// reads: there is no tree.
class Translator {
 public:
  Translator(std::string_view expression, WholeMatch whole)
      : m_reader(expression, whole == WholeMatch::k_captured) {}

  std::string translate();

 private:
  struct Repeat {
    std::uint64_t min = 0;
    std::uint64_t max = k_unlimited;
  };
  struct FlagChange {
    Flags add = 0;
    Flags remove = 0;
    bool global = false;
  };

  Width alternatives(Flags& flags, bool top_level);
  Width sequence(Flags& flags, bool may_set_flags);
  bool skip_verbose(RegexReader::Token token);
  Item atom(RegexReader::Token token, Flags flags);
  Item escape(char32_t letter, Flags flags);
  Item reference_or_octal(char32_t digit, Flags flags);
  Item reference(std::size_t group, Flags flags);
  Item position(char32_t letter, Flags flags);
  Item characters(const CharacterClass& characters, Flags flags);
  std::optional<Repeat> read_repeat(char32_t character);
  void quantify(Item& item, Repeat repeat);
  void check_empty_rounds(const Item& item, Repeat repeat);
  std::optional<Item> group(Flags& flags, bool may_set_flags);
  std::optional<Item> extension(Flags& flags, bool may_set_flags);
  std::optional<Item> python_extension(Flags flags);
  Item capture(std::optional<std::u32string> name, Flags flags);
  Item body(const std::string& opening, Flags flags);
  Item lookaround(bool behind, Flags flags);
  Item condition(Flags flags);
  FlagChange read_flags(RegexReader::Token token);
  std::optional<Item> flag_group(RegexReader::Token token, Flags& flags, bool may_set_flags);
  std::size_t named_group(const std::u32string& name);
  void check_reference(std::size_t group);
  void close_parenthesis();
  Item write(ItemKind kind, const std::string& text, Width width = {});

  RegexReader m_reader;
  std::string m_out;
  std::vector<std::optional<Width>> m_groups{std::nullopt};  // by number; nothing while open
  std::map<std::u32string, std::size_t> m_names;
  std::optional<std::size_t> m_groups_before_lookbehind;  // set inside of one
  std::size_t m_highest_condition = 0;
  int m_depth = 0;
};

}  // namespace vecdb::regex
