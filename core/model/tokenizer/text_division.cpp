#include "model/tokenizer/text_division.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "base/utf8.h"

namespace vecdb {

namespace {

using Fits = std::function<bool(std::string_view)>;

constexpr std::size_t k_first_try = 64;  // bytes

// Graphemes are looked for only so far around a place: one of a million marks is possible, and
// asking for its start again and again would take quadratic time.
constexpr std::size_t k_grapheme_bytes = 256;

// Of the character that holds the byte at `offset`; `offset` itself at the end of the text.
std::size_t character_start(std::string_view text, std::size_t offset) {
  while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U) {
    --offset;
  }
  return offset;
}

std::size_t next_character(std::string_view text, std::size_t offset) {
  decode_code_point(text, offset);
  return offset;
}

// Where a start of the text ends that fits, when one more character would not, or all of it; 0 when
// the first character does not fit.
std::size_t fitting_end(std::string_view text, const Fits& fits) {
  std::size_t end = 0;    // fits
  std::size_t limit = 0;  // does not
  for (std::size_t bytes = k_first_try; limit == 0; bytes *= 2) {
    const std::size_t tried = character_start(text, std::min(bytes, text.size()));
    if (!fits(text.substr(0, tried))) {
      limit = tried;
    } else if (tried == text.size()) {
      return tried;
    } else {
      end = tried;
    }
  }
  for (;;) {
    const std::size_t middle =
        std::max(character_start(text, end + (limit - end) / 2), next_character(text, end));
    if (middle >= limit) return end;
    (fits(text.substr(0, middle)) ? end : limit) = middle;
  }
}

bool is_white_space(std::string_view text, std::size_t offset) {
  return u_isUWhiteSpace(static_cast<UChar32>(decode_code_point(text, offset))) != 0;
}

// Behind the last white space that follows something else; 0 when there is none.
std::size_t end_of_white_space(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t offset = text.size(); offset > 0;) {
    const std::size_t start = character_start(text, offset - 1);
    if (!is_white_space(text, start)) {
      if (end > 0) return end;
    } else if (end == 0) {
      end = offset;
    }
    offset = start;
  }
  return 0;
}

bool is_ascii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }

// The last place up to `offset`, which is inside the text, between two graphemes; 0 when there is
// none near.
std::size_t grapheme_start(std::string_view text, std::size_t offset) {
  const bool is_line_end = text[offset - 1] == '\r' && text[offset] == '\n';
  if (is_ascii(text[offset - 1]) && is_ascii(text[offset]) && !is_line_end) return offset;
  const std::size_t first =
      character_start(text, offset > k_grapheme_bytes ? offset - k_grapheme_bytes : 0);
  const std::size_t last = character_start(text, std::min(offset + k_grapheme_bytes, text.size()));
  const std::string_view near = text.substr(first, last - first);
  const auto place = static_cast<std::int32_t>(offset - first);
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UText, decltype(&utext_close)> bytes(
      utext_openUTF8(nullptr, near.data(), static_cast<std::int64_t>(near.size()), &status),
      &utext_close);
  const std::unique_ptr<UBreakIterator, decltype(&ubrk_close)> graphemes(
      ubrk_open(UBRK_CHARACTER, "", nullptr, 0, &status), &ubrk_close);
  ubrk_setUText(graphemes.get(), bytes.get(), &status);
  if (U_FAILURE(status) != 0) return 0;
  if (ubrk_isBoundary(graphemes.get(), place) != 0) return offset;
  const std::int32_t found = ubrk_preceding(graphemes.get(), place);
  return found > 0 ? first + static_cast<std::size_t>(found) : 0;
}

std::size_t end_of_part(std::string_view text, const Fits& fits) {
  const std::size_t end = fitting_end(text, fits);
  if (end == 0 || end == text.size()) return end;
  for (const std::size_t better :
       {end_of_white_space(text.substr(0, end)), grapheme_start(text, end)}) {
    if (better > 0 && (better == end || fits(text.substr(0, better)))) return better;
  }
  return end;
}

}  // namespace

std::optional<std::vector<std::string_view>> divide_text(std::string_view text, const Fits& fits) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = end_of_part(text, fits);
    if (end == 0) return std::nullopt;
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

}  // namespace vecdb
