// Input: a byte of options, a regular expression of Python with its length, then a text.
#include <memory>
#include <string_view>

#include "fuzz.h"
#include "text/split/python_regex.h"
#include "text/split/regex_translator.h"

using namespace vecdb;
using fuzz::require;

namespace {

bool is_boundary(std::string_view text, std::size_t offset) {
  return offset == text.size() || (static_cast<unsigned char>(text[offset]) & 0xC0U) != 0x80U;
}

void check_group(std::string_view text, ByteRange range) {
  require(range.start <= range.end && range.end <= text.size(), "a group leads out of the text");
  require(is_boundary(text, range.start) && is_boundary(text, range.end),
          "a group cuts a character");
}

void check_matches(RegexMatches& matches, std::string_view text) {
  std::size_t last_end = 0;
  bool last_was_empty = false;
  while (matches.next()) {
    const ByteRange match = *matches.group(0);
    check_group(text, match);
    require(match.start >= last_end, "matches overlap");
    require(!(last_was_empty && match.size() == 0 && match.end == last_end),
            "an empty match was found twice");
    for (std::size_t i = 1; i <= matches.group_count(); ++i) {
      if (const auto group = matches.group(i)) check_group(text, *group);
    }
    last_end = match.end;
    last_was_empty = match.size() == 0;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const auto whole = (parts.byte() & 1U) != 0 ? WholeMatch::k_captured : WholeMatch::k_plain;
  const auto expression = parts.part();
  const auto text_bytes = parts.rest();
  const std::string_view text = fuzz::well_formed(fuzz::view(text_bytes));
  const auto regex = fuzz::unless_refused(ErrorKind::k_usage, [&] {
    return std::make_unique<PythonRegex>(fuzz::well_formed(fuzz::view(expression)), whole);
  });
  if (!regex) return 0;
  fuzz::unless_refused(ErrorKind::k_io, [&] {
    RegexMatches matches(**regex, text);
    check_matches(matches, text);
    return 0;
  });
  return 0;
}
