#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vecdb {

// Of base 64 as of RFC 4648, section 4: '+', '/', padded with '='.

std::string encode_base64(std::span<const std::byte> bytes);

// The bytes that `text` stands for in base 64, or nothing when it is not in that form to the last
// bit.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace vecdb
