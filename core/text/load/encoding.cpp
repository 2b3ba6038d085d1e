#include "text/load/encoding.h"

#include <unicode/uchar.h>
#include <unicode/ucnv.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/load/encoding_guess.h"
#include "text/load/skipped.h"

namespace vecdb {

namespace {

using namespace std::string_view_literals;

constexpr const char* k_utf8 = "UTF-8";
constexpr const char* k_name_encoding = "; if it is text, name its encoding with --encoding";

// Bytes of UTF-16 in which chance may put a zero where it stands in text.
constexpr std::size_t k_short_utf16 = 64;

// UTF-32's begins with UTF-16's.
constexpr std::array<std::pair<std::string_view, const char*>, 5> k_marks{{
    {"\xEF\xBB\xBF"sv, k_utf8},
    {"\xFF\xFE\0\0"sv, "UTF-32LE"},
    {"\0\0\xFE\xFF"sv, "UTF-32BE"},
    {"\xFF\xFE"sv, "UTF-16LE"},
    {"\xFE\xFF"sv, "UTF-16BE"},
}};

// What guessed text may hold. A named encoding's text may hold anything but NUL.
enum class Content { k_any, k_plausible };

class Converter {
 public:
  explicit Converter(const std::string& encoding) : m_name(encoding) {
    UErrorCode error = U_ZERO_ERROR;
    m_converter.reset(ucnv_open(encoding.c_str(), &error));
    if (U_FAILURE(error)) refuse("cannot be decoded: the encoding " + encoding + " is not known");
    ucnv_setToUCallBack(m_converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr,
                        &error);
  }

  // The code point at `offset`, which is moved past it; nothing at the end.
  std::optional<char32_t> next(std::string_view bytes, std::size_t& offset) {
    if (offset == bytes.size()) return std::nullopt;
    const char* source = bytes.data() + offset;
    UErrorCode error = U_ZERO_ERROR;
    const UChar32 character =
        ucnv_getNextUChar(m_converter.get(), &source, bytes.data() + bytes.size(), &error);
    if (error == U_INDEX_OUTOFBOUNDS_ERROR) {  // nothing but shifts of state was left
      offset = bytes.size();
      return std::nullopt;
    }
    const bool is_half = U_SUCCESS(error) && U_IS_SURROGATE(character);  // UTF-7 lets them pass
    if (U_FAILURE(error) || is_half)
      refuse("is not " + m_name + ": byte " + std::to_string(offset));
    offset = static_cast<std::size_t>(source - bytes.data());
    return static_cast<char32_t>(character);
  }

 private:
  std::string m_name;
  std::unique_ptr<UConverter, decltype(&ucnv_close)> m_converter{nullptr, &ucnv_close};
};

bool is_plausible(char32_t character) {
  if (character < 0x80)
    return (character >= 0x20 && character != 0x7F) || (character >= '\t' && character <= '\r') ||
           character == 0x1B;
  switch (u_charType(static_cast<UChar32>(character))) {
    case U_UNASSIGNED:
    case U_CONTROL_CHAR:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
      return false;
    default:
      return true;
  }
}

// ICU lets bytes that mean nothing in an older encoding stand for private characters, and those
// that Windows' code pages leave open for control characters, which no text holds but U+0085.
bool is_assigned(char32_t character) {
  const auto type = u_charType(static_cast<UChar32>(character));
  return type != U_PRIVATE_USE_CHAR &&
         (character < 0x80 || character == 0x85 || type != U_CONTROL_CHAR);
}

[[noreturn]] void refuse_nul(std::size_t offset, const char* advice = "") {
  refuse("is binary: NUL at byte " + std::to_string(offset) + advice);
}

// `skip`: bytes of a byte order mark.
DecodedText convert(std::string_view bytes, std::size_t skip, const std::string& encoding,
                    Content content) {
  DecodedText decoded;
  decoded.encoding = encoding;
  decoded.text.reserve(bytes.size());
  Converter converter(encoding);
  const bool is_legacy = !encoding.starts_with("UTF") && encoding != "GB18030";
  for (std::size_t offset = skip;;) {
    const std::size_t begin = offset;
    const auto character = converter.next(bytes, offset);
    if (!character) return decoded;
    if (*character == 0) refuse_nul(begin);
    if ((is_legacy && !is_assigned(*character)) ||
        (content == Content::k_plausible && !is_plausible(*character))) {
      refuse("is not " + encoding + ": byte " + std::to_string(begin));
    }
    const std::size_t before = decoded.text.size();
    append_utf8(decoded.text, *character);
    decoded.map.add_code_point(decoded.text.size() - before, begin, offset - begin);
  }
}

DecodedText take_utf8(std::string bytes, std::size_t skip) {
  bytes.erase(0, skip);
  return {std::move(bytes), SourceMap(skip), k_utf8};
}

DecodedText decode_as(std::string bytes, const std::string& encoding, std::size_t skip) {
  if (encoding != k_utf8) return convert(bytes, skip, encoding, Content::k_any);
  if (const auto nul = bytes.find('\0'); nul != std::string::npos) refuse_nul(nul);
  if (const auto offset = find_invalid_utf8(bytes)) {
    refuse("is not UTF-8: byte " + std::to_string(*offset));
  }
  return take_utf8(std::move(bytes), skip);
}

std::optional<DecodedText> try_guess(std::string_view bytes, const std::string& encoding) {
  try {
    return convert(bytes, 0, encoding, Content::k_plausible);
  } catch (const Error&) {
    return std::nullopt;  // a guess that was wrong; the bytes are then refused for what they are
  }
}

std::optional<DecodedText> guess_wide(std::string_view bytes) {
  const auto guess = guess_utf16(bytes);
  return guess ? try_guess(bytes, *guess) : std::nullopt;
}

DecodedText decode_unknown(std::string bytes, const std::string& hint) {
  for (const auto& [mark, name] : k_marks) {
    if (bytes.starts_with(mark)) return decode_as(std::move(bytes), name, mark.size());
  }
  if (const auto nul = bytes.find('\0'); nul != std::string::npos) {
    auto decoded = guess_wide(bytes);
    if (decoded && (bytes.size() >= k_short_utf16 || reads_like_words(decoded->text))) {
      return std::move(*decoded);
    }
    const bool may_be_text =
        decoded || try_guess(bytes, "UTF-32LE") || try_guess(bytes, "UTF-32BE");
    refuse_nul(nul, may_be_text ? k_name_encoding : "");
  }
  const auto invalid = find_invalid_utf8(bytes);
  if (!invalid) return take_utf8(std::move(bytes), 0);
  // A page whose hint could be read as bytes is in neither UTF-16 nor UTF-32.
  const bool is_wide = hint.starts_with("UTF-16") || hint.starts_with("UTF-32");
  if (!hint.empty() && !is_wide) return convert(bytes, 0, hint, Content::k_any);
  if (const auto guess = guess_legacy_encoding(bytes)) {
    if (auto decoded = try_guess(bytes, *guess)) return std::move(*decoded);
  }
  refuse("is not UTF-8: byte " + std::to_string(*invalid) + k_name_encoding);
}

// A byte order mark says which of UTF-16 and UTF-32 it is, and must not speak against the name.
DecodedText decode_named(std::string bytes, const std::string& encoding) {
  for (const auto& [mark, name] : k_marks) {
    if (!bytes.starts_with(mark)) continue;
    if (!std::string_view(name).starts_with(encoding)) {
      refuse("begins with the byte order mark of " + std::string(name) + ", not of " + encoding +
             "; leave out --encoding");
    }
    return decode_as(std::move(bytes), name, mark.size());
  }
  return decode_as(std::move(bytes), encoding, 0);
}

// ICU's own name of the converter that `name` stands for; empty for none.
std::string internal_name(const std::string& name) {
  if (name.empty()) return {};  // ICU would take the system's own encoding
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> converter(
      ucnv_open(name.c_str(), &error), &ucnv_close);
  const char* found = U_SUCCESS(error) ? ucnv_getName(converter.get(), &error) : nullptr;
  return found != nullptr ? found : "";
}

}  // namespace

std::string canonical_encoding(const std::string& name) {
  const std::string internal = internal_name(name);
  for (const char* standard : {"MIME", "IANA"}) {
    UErrorCode error = U_ZERO_ERROR;
    const char* found = ucnv_getStandardName(internal.c_str(), standard, &error);
    // Some standard names stand for another converter when they are asked for.
    if (U_SUCCESS(error) && found != nullptr && internal_name(found) == internal) {
      // Windows' Big5 has private characters where everybody else's has kana and Cyrillic.
      return std::string_view(found) == "Big5" ? "Big5-HKSCS" : found;
    }
  }
  return internal.empty() ? internal : name;
}

DecodedText decode_text(std::string bytes, const std::string& encoding, const std::string& hint) {
  if (bytes.empty()) refuse("is empty");
  DecodedText decoded;
  if (encoding.empty()) {
    decoded = decode_unknown(std::move(bytes), hint);
  } else {
    decoded = decode_named(std::move(bytes), encoding);
  }
  if (decoded.text.empty()) refuse("is empty");
  return decoded;
}

}  // namespace vecdb
