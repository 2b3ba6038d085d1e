#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// The page with every numeric character reference that no 32-bit integer holds, such as
// "&#9999999999;", made one of equal length for the first number behind the last code point. To the
// HTML standard both stand for U+FFFD; gumbo's sum overflows on the first, and comes out as any
// character or as a byte that is no UTF-8. Nothing when there is none.
std::optional<std::string> bound_references(std::string_view page);

}  // namespace vecdb
