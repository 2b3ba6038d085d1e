#include "model/tokenizer/word_splitter.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "model/tokenizer/unicode_class.h"

namespace vecdb {

namespace {

using OnWord = std::function<void(std::string_view)>;

constexpr std::string_view k_metaspace = "\u2581";

// End of the run of characters from byte `at` on for which `belongs` holds.
template <typename Belongs>
std::size_t end_of_run(std::string_view text, std::size_t at, Belongs belongs) {
  while (at < text.size()) {
    std::size_t next = at;
    if (!belongs(decode_code_point(text, next))) break;
    at = next;
  }
  return at;
}

std::size_t end_of_class(std::string_view text, std::size_t at, CharacterClass wanted) {
  return end_of_run(text, at, [wanted](char32_t c) { return character_class(c) == wanted; });
}

bool is_symbol(char32_t character) {
  return !is_word_character(character) && !is_white_space(character);
}

// `\s+(?!\S)|\s+` at white space: without the last character where something else follows, unless
// it is the only one.
std::size_t end_of_spaces(std::string_view text) {
  std::size_t last = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    std::size_t next = end;
    if (!is_white_space(decode_code_point(text, next))) break;
    last = end;
    end = next;
  }
  return end == text.size() || last == 0 ? end : last;
}

std::size_t contraction_length(std::string_view text) {
  constexpr std::array<std::string_view, 7> k_contractions = {"'s", "'t",  "'re", "'ve",
                                                              "'m", "'ll", "'d"};
  for (const std::string_view each : k_contractions) {
    if (text.starts_with(each)) return each.size();
  }
  return 0;
}

void split_metaspace(std::string_view text, const OnWord& on_word) {
  std::string marked;
  marked.reserve(text.size() + k_metaspace.size());
  if (!text.starts_with(' ') && !text.starts_with(k_metaspace)) marked = k_metaspace;
  for (const char byte : text) {
    if (byte == ' ') {
      marked += k_metaspace;
    } else {
      marked += byte;
    }
  }
  const std::string_view rest = marked;
  for (std::size_t start = 0; start < rest.size();) {
    const std::size_t end =
        std::min(rest.find(k_metaspace, start + k_metaspace.size()), rest.size());
    on_word(rest.substr(start, end - start));
    start = end;
  }
}

void split_byte_level(std::string_view text, const WordOptions& options, const OnWord& on_word) {
  std::string spaced;
  if (options.space_before && !text.starts_with(' ')) {
    spaced.append(" ").append(text);
    text = spaced;
  }
  while (!text.empty()) {
    const std::size_t end = options.by_pattern ? end_of_gpt2_word(text) : text.size();
    on_word(text.substr(0, end));
    text.remove_prefix(end);
  }
}

void shape_word(std::string_view word, const WordOptions& options, const OnWord& on_word) {
  switch (options.form) {
    case WordForm::k_plain:
      return on_word(word);
    case WordForm::k_metaspace:
      return split_metaspace(word, on_word);
    case WordForm::k_byte_level:
      return split_byte_level(word, options, on_word);
  }
}

}  // namespace

std::size_t end_of_gpt2_word(std::string_view text) {
  if (const std::size_t length = contraction_length(text)) return length;
  std::size_t at = 0;
  CharacterClass first = character_class(decode_code_point(text, at));
  if (first == CharacterClass::k_space) {
    const bool joins = text.front() == ' ' && text.size() > 1;
    std::size_t next = 1;
    if (joins) first = character_class(decode_code_point(text, next));
    if (first == CharacterClass::k_space) return end_of_spaces(text);
    at = next;
  }
  return end_of_class(text, at, first);
}

void split_words(std::string_view text, const WordOptions& options, const OnWord& on_word) {
  if (text.empty()) return;
  if (options.split == WordSplit::k_none) return shape_word(text, options, on_word);
  for (std::size_t at = 0; at < text.size();) {
    at = end_of_run(text, at, is_white_space);
    std::size_t end = end_of_run(
        text, at, options.split == WordSplit::k_words ? is_word_character : [](char32_t c) {
          return !is_white_space(c);
        });
    if (end == at) end = end_of_run(text, at, is_symbol);
    if (end > at) shape_word(text.substr(at, end - at), options, on_word);
    at = end;
  }
}

}  // namespace vecdb
