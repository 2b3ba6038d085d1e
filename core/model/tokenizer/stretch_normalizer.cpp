#include "model/tokenizer/stretch_normalizer.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/utf8.h"
#include "model/tokenizer/bert_characters.h"
#include "model/tokenizer/canonical_composition.h"
#include "model/tokenizer/sentencepiece_charsmap.h"
#include "model/tokenizer/unicode_class.h"

namespace vecdb {

namespace {

bool is_ascii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }

// Walks a text by grapheme clusters (Unicode's extended ones).
class Graphemes {
 public:
  explicit Graphemes(std::string_view text) : m_text(text) {}
  ~Graphemes() {
    ubrk_close(m_breaks);
    utext_close(m_utext);
  }
  Graphemes(const Graphemes&) = delete;
  Graphemes& operator=(const Graphemes&) = delete;

  std::optional<std::string_view> next() {
    if (m_at == m_text.size()) return std::nullopt;
    const std::size_t start = m_at;
    m_at = end_of(start);
    return m_text.substr(start, m_at - start);
  }

 private:
  std::size_t end_of(std::size_t start) {
    const std::size_t after = start + 1;
    const bool alone =
        is_ascii(m_text[start]) &&
        (after == m_text.size() || (is_ascii(m_text[after]) && m_text.substr(start, 2) != "\r\n"));
    if (alone) return after;
    if (m_breaks == nullptr || start - m_base >= k_window) open(start);
    const auto end = ubrk_following(m_breaks, static_cast<std::int32_t>(start - m_base));
    assert(end != UBRK_DONE);
    return m_base + static_cast<std::size_t>(end);
  }

  void open(std::size_t start) {
    UErrorCode status = U_ZERO_ERROR;
    m_base = start;
    const std::string_view window = m_text.substr(start, k_window);
    m_utext = utext_openUTF8(m_utext, window.data(), std::ssize(window), &status);
    if (m_breaks == nullptr) m_breaks = ubrk_open(UBRK_CHARACTER, "", nullptr, 0, &status);
    ubrk_setUText(m_breaks, m_utext, &status);
    assert(U_SUCCESS(status));
  }

  // ICU counts with 32 bits.
  static constexpr std::size_t k_window = std::size_t{1} << 30U;

  std::string_view m_text;
  std::size_t m_at = 0;
  std::size_t m_base = 0;  // where the part that ICU sees starts
  UText* m_utext = nullptr;
  UBreakIterator* m_breaks = nullptr;
};

// `tokenizers` looks a short cluster up as a whole, and takes the rule with the shortest key that
// it begins with for all of it; else, and for a longer cluster, one character after the other.
std::string apply_charsmap(std::string_view charsmap, std::string_view text) {
  constexpr std::size_t k_short_cluster = 6;  // bytes that are too many
  std::string out;
  out.reserve(text.size());
  Graphemes graphemes(text);
  while (const auto cluster = graphemes.next()) {
    if (cluster->size() < k_short_cluster) {
      if (const auto replacement = find_replacement(charsmap, *cluster)) {
        out += *replacement;
        continue;
      }
    }
    for (std::size_t at = 0; at < cluster->size();) {
      const std::size_t start = at;
      decode_code_point(*cluster, at);
      const std::string_view character = cluster->substr(start, at - start);
      out += find_replacement(charsmap, character).value_or(character);
    }
  }
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::u32string lower;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t character = decode_code_point(text, at);
    if (character < 0x80) {
      const bool is_upper = character >= U'A' && character <= U'Z';
      out.push_back(static_cast<char>(is_upper ? character - U'A' + U'a' : character));
      continue;
    }
    lower.clear();
    append_lower_case(lower, character);
    for (const char32_t each : lower) append_utf8(out, each);
  }
  return out;
}

void strip_left(std::string& text) {
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size() && is_white_space(decode_code_point(text, at));) {
    start = at;
  }
  text.erase(0, start);
}

void strip_right(std::string& text) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while ((static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) --start;
    std::size_t at = start;
    if (!is_white_space(decode_code_point(text, at))) return;
    text.resize(start);
  }
}

std::string replace_spaces(std::string_view text, const std::string& replacement) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_not_of(' ', at), text.size());
    if (end - at >= 2) {
      out += replacement;
    } else if (end > at) {
      out += ' ';
    }
    at = std::min(text.find(' ', end), text.size());
    out += text.substr(end, at - end);
  }
  return out;
}

}  // namespace

StretchNormalizer::StretchNormalizer(NormalizerOptions options) : m_options(std::move(options)) {}

std::string StretchNormalizer::normalize(std::string_view text) const {
  std::string out =
      m_options.charsmap.empty() ? std::string(text) : apply_charsmap(m_options.charsmap, text);
  if (m_options.composes) out = compose_canonically(out);
  if (m_options.letter_case == LetterCase::k_lower) out = lower_case(out);
  if (m_options.strip_left) strip_left(out);
  if (m_options.strip_right) strip_right(out);
  if (m_options.spaces) out = replace_spaces(out, *m_options.spaces);
  return out;
}

bool StretchNormalizer::is_identity() const {
  return m_options.charsmap.empty() && !m_options.composes &&
         m_options.letter_case == LetterCase::k_keep && !m_options.strip_left &&
         !m_options.strip_right && !m_options.spaces;
}

}  // namespace vecdb
