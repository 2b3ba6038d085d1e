#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// UTF-16LE or UTF-16BE when the zero bytes stand as they would in such a text without a byte order
// mark, as far as these alone can tell. Whether it decodes is not tried.
std::optional<std::string> guess_utf16(std::string_view bytes);

// Whether a text that was decoded by a guess reads like one: more than half of it letters, at least
// three, and those outside ASCII of one script.
bool reads_like_words(std::string_view text);

// The encoding that was in use before UTF-8 which these bytes without NUL, not UTF-8, are probably
// in. Nothing when they seem to be broken UTF-8, when there are too few bytes outside ASCII to tell
// (a lone one says nothing), or when the statistics of letters (uchardet's) point nowhere.
std::optional<std::string> guess_legacy_encoding(std::string_view bytes);

}  // namespace vecdb
