#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace vecdb {

// The name that git gives to a file's content: SHA-1 of "blob SIZE\0" and the bytes, as 40
// lower-case hexadecimal digits. Tells damage apart; against somebody who forges it is too weak.
std::string git_blob_id(std::span<const std::byte> content);

}  // namespace vecdb
