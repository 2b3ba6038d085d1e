#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// The bytes that `text` stands for in base 64 (RFC 4648, section 4: '+', '/', padded with '='), or
// nothing when it is not in that form to the last bit.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace vecdb
