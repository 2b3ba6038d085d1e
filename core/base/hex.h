#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace vecdb {

// Two lower-case hexadecimal digits a byte.
std::string to_hex(std::span<const unsigned char> bytes);

// Whether `text` is this many hexadecimal digits, lower-case only.
bool is_hex(std::string_view text, std::size_t digits);

}  // namespace vecdb
