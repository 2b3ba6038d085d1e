#include "model/tokenizer/canonical_composition.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "model/tokenizer/bert_characters.h"

namespace vecdb {

namespace {

struct Character {
  char32_t value = 0;
  std::uint8_t order = 0;  // combining class
};

// Form D: decomposed, with marks in the order of their classes.
std::vector<Character> decompose(std::string_view text) {
  std::vector<Character> characters;
  std::size_t first_mark = 0;  // of those at the end whose order is not settled
  const auto settle = [&] {
    std::stable_sort(characters.begin() + static_cast<std::ptrdiff_t>(first_mark), characters.end(),
                     [](const Character& a, const Character& b) { return a.order < b.order; });
  };
  std::u32string parts;
  for (std::size_t at = 0; at < text.size();) {
    parts.clear();
    append_decomposed(parts, decode_code_point(text, at));
    for (const char32_t part : parts) {
      const std::uint8_t order = combining_class(part);
      if (order == 0) settle();
      characters.push_back({part, order});
      if (order == 0) first_mark = characters.size();
    }
  }
  settle();
  return characters;
}

}  // namespace

std::string compose_canonically(std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    return std::string(text);
  }
  std::vector<Character> out;
  std::size_t starter = 0;
  bool has_starter = false;
  for (const Character& next : decompose(text)) {
    // Blocked by a character between the starter and this one of the same class or a higher one.
    const bool blocked =
        !has_starter || (out.size() - 1 > starter && out.back().order >= next.order);
    const auto composed = blocked ? std::nullopt : compose(out[starter].value, next.value);
    if (composed) {
      out[starter].value = *composed;
      continue;
    }
    if (next.order == 0) {
      starter = out.size();
      has_starter = true;
    }
    out.push_back(next);
  }
  std::string composed;
  composed.reserve(text.size());
  for (const Character& each : out) append_utf8(composed, each.value);
  return composed;
}

}  // namespace vecdb
