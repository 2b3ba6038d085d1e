// Input: a byte that chooses an encoding, 0 for none, and the bytes of a text.
#include <string>
#include <variant>

#include "fuzz.h"
#include "load_check.h"
#include "text/load/loader.h"

using namespace vecdb;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  constexpr const char* k_encodings[] = {"",          "UTF-8",        "UTF-16",      "UTF-16LE",
                                         "UTF-32BE",  "windows-1252", "KOI8-U",      "GB18030",
                                         "Shift_JIS", "EUC-JP",       "Big5-HKSCS",  "windows-949",
                                         "UTF-7",     "ISO-2022-JP",  "ISO-2022-KR", "HZ-GB-2312"};
  LoadOptions options;
  options.type = FileType::k_text;
  options.encoding = k_encodings[parts.byte() % std::size(k_encodings)];
  const auto rest = parts.rest();
  const std::string bytes(fuzz::view(rest));
  const Loaded loaded = load_bytes("a", bytes, options);
  if (const auto* document = std::get_if<Document>(&loaded)) {
    fuzz::check_document(*document, bytes);
    require(document->sections.at(0).text.find('\0') == std::string::npos, "a NUL was taken");
  } else {
    require(!std::get<Skipped>(loaded).reason.empty(), "skipped without a reason");
  }
  return 0;
}
