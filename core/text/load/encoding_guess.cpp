#include "text/load/encoding_guess.h"

#include <uchardet/uchardet.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/utf8.h"

namespace vecdb {

namespace {

// Bytes that the guess is made from; more do not make it better, only slower.
constexpr std::size_t k_sample = std::size_t{1} << 20U;
// A word or two in Latin-1; a few characters in an Asian encoding.
constexpr std::size_t k_least_evidence = 4;
constexpr std::size_t k_least_letters = 3;

// uchardet's names that are believed, and what decodes them: where an encoding was extended later,
// the extension. What else it names was wrong more often than right when it was tried on
// translations in 30 languages.
constexpr std::array<std::pair<std::string_view, const char*>, 27> k_believed{{
    {"BIG5", "Big5-HKSCS"},           {"EUC-JP", "EUC-JP"},
    {"EUC-KR", "windows-949"},        {"EUC-TW", "EUC-TW"},
    {"GB18030", "GB18030"},           {"IBM866", "IBM866"},
    {"ISO-8859-1", "windows-1252"},   {"ISO-8859-13", "windows-1257"},
    {"ISO-8859-15", "ISO-8859-15"},   {"ISO-8859-2", "ISO-8859-2"},
    {"ISO-8859-5", "ISO-8859-5"},     {"ISO-8859-6", "ISO-8859-6"},
    {"ISO-8859-7", "ISO-8859-7"},     {"ISO-8859-8", "windows-1255"},
    {"ISO-8859-9", "windows-1254"},   {"KOI8-R", "KOI8-U"},
    {"SHIFT_JIS", "windows-31j"},     {"TIS-620", "windows-874"},
    {"UHC", "windows-949"},           {"WINDOWS-1250", "windows-1250"},
    {"WINDOWS-1251", "windows-1251"}, {"WINDOWS-1252", "windows-1252"},
    {"WINDOWS-1253", "windows-1253"}, {"WINDOWS-1255", "windows-1255"},
    {"WINDOWS-1256", "windows-1256"}, {"WINDOWS-1257", "windows-1257"},
    {"WINDOWS-1258", "windows-1258"},
}};

struct Zeros {
  std::size_t even = 0;
  std::size_t odd = 0;
};

bool is_ascii_text(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return (value >= 0x20U && value < 0x7FU) || (value >= '\t' && value <= '\r');
}

// Bytes outside ASCII, by whether they belong to well-formed UTF-8.
struct Evidence {
  std::size_t utf8 = 0;
  std::size_t other = 0;
};

Evidence weigh(std::string_view bytes) {
  Evidence evidence;
  const auto outside_ascii = [](std::string_view part) {
    return static_cast<std::size_t>(
        std::ranges::count_if(part, [](char byte) { return (byte & 0x80) != 0; }));
  };
  while (!bytes.empty()) {
    const std::size_t good = find_invalid_utf8(bytes).value_or(bytes.size());
    evidence.utf8 += outside_ascii(bytes.substr(0, good));
    bytes.remove_prefix(good);
    if (bytes.empty()) break;
    ++evidence.other;
    bytes.remove_prefix(1);
  }
  return evidence;
}

// Those that one text is written in together count as one.
UScriptCode script_of(UChar32 character) {
  UErrorCode error = U_ZERO_ERROR;
  switch (const UScriptCode script = uscript_getScript(character, &error)) {
    case USCRIPT_BOPOMOFO:
    case USCRIPT_HANGUL:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
      return USCRIPT_HAN;
    default:
      return script;
  }
}

}  // namespace

std::optional<std::string> guess_utf16(std::string_view bytes) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  Zeros zeros;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\0') ++(i % 2 == 0 ? zeros.even : zeros.odd);
  }
  if ((zeros.even == 0) == (zeros.odd == 0)) return std::nullopt;
  const char* name = zeros.odd > 0 ? "UTF-16LE" : "UTF-16BE";
  const std::size_t units = bytes.size() / 2;
  // Nearly all characters of a Latin script have one.
  if (std::max(zeros.even, zeros.odd) * 10 >= units * 7) return name;
  // Elsewhere spaces and line ends do. ASCII with a NUL here and there looks alike.
  const bool is_ascii =
      std::ranges::all_of(bytes, [](char byte) { return byte == '\0' || is_ascii_text(byte); });
  if (is_ascii) return std::nullopt;
  return name;
}

bool reads_like_words(std::string_view text) {
  std::size_t characters = 0;
  std::size_t letters = 0;
  UScriptCode known = USCRIPT_COMMON;
  for (std::size_t offset = 0; offset < text.size(); ++characters) {
    const auto character = static_cast<UChar32>(decode_code_point(text, offset));
    if (u_isalpha(character) == 0) continue;
    ++letters;
    const UScriptCode script = script_of(character);
    if (character < 0x80 || script == USCRIPT_COMMON || script == USCRIPT_INHERITED) continue;
    if (known != USCRIPT_COMMON && known != script) return false;
    known = script;
  }
  return letters >= k_least_letters && letters * 2 > characters;
}

std::optional<std::string> guess_legacy_encoding(std::string_view bytes) {
  const std::string_view sample = bytes.substr(0, k_sample);
  const Evidence evidence = weigh(sample);
  if (evidence.other < k_least_evidence || evidence.utf8 >= evidence.other) return std::nullopt;
  const std::unique_ptr<struct uchardet, decltype(&uchardet_delete)> detector(uchardet_new(),
                                                                              &uchardet_delete);
  if (uchardet_handle_data(detector.get(), sample.data(), sample.size()) != 0) return std::nullopt;
  uchardet_data_end(detector.get());
  const std::string_view name = uchardet_get_charset(detector.get());
  const auto* found =
      std::ranges::find(k_believed, name, &std::pair<std::string_view, const char*>::first);
  if (found == k_believed.end()) return std::nullopt;
  return found->second;
}

}  // namespace vecdb
