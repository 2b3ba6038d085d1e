// Input: the bytes of a source. ICU is the second opinion on what UTF-8 is.
#include <unicode/utf8.h>

#include <string>
#include <variant>

#include "base/utf8.h"
#include "fuzz.h"
#include "load_check.h"
#include "text/load/loader.h"

using namespace vecdb;
using fuzz::require;

namespace {

std::optional<std::size_t> find_invalid_with_icu(std::string_view bytes) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto length = static_cast<std::int32_t>(bytes.size());
  for (std::int32_t i = 0; i < length;) {
    const std::int32_t start = i;
    UChar32 character = 0;
    U8_NEXT(begin, i, length, character);
    if (character < 0) return static_cast<std::size_t>(start);
  }
  return std::nullopt;
}

void check_code_points(std::string_view text) {
  LineCounter lines(text);
  std::string again;
  std::size_t count = 0;
  std::size_t line = 1;
  for (std::size_t offset = 0; offset < text.size(); ++count) {
    require(lines.line_at(offset) == line, "an offset is in another line");
    const char32_t character = decode_code_point(text, offset);
    if (character == U'\n') ++line;
    append_utf8(again, character);
  }
  require(again == text, "decoded and encoded, the text is another one");
  require(count_code_points(text) == count, "code points were miscounted");
  require(lines.line_at(text.size() / 2) <= line, "counting back fails");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto invalid = find_invalid_utf8(bytes);
  require(invalid == find_invalid_with_icu(bytes), "ICU finds another byte that is not UTF-8");
  if (!invalid) check_code_points(bytes);

  LoadOptions options;
  options.type = FileType::k_text;
  const Loaded loaded = load_bytes("fuzz", std::string(bytes), options);
  if (const auto* document = std::get_if<Document>(&loaded)) {
    const Section& section = document->sections.at(0);
    require(!section.text.empty() && !find_invalid_utf8(section.text), "what is no text was taken");
    if (document->decoded.encoding != "UTF-8") return 0;
    const std::string source = fuzz::source_of(bytes);
    require(!find_invalid_utf8(source) && source.find('\0') == std::string::npos,
            "what is no text was taken");
    SourceCursor cursor(document->decoded.map, "");
    const auto begin = static_cast<std::size_t>(cursor.range_of(0, 1).begin);
    require(section.text == source.substr(begin), "the text is not the source's");
  } else {
    require(!std::get<Skipped>(loaded).reason.empty(), "skipped without a reason");
  }
  return 0;
}
