#pragma once

#include <cstddef>
#include <string>

namespace vecdb {

// So many random hexadecimal digits, in lower case; nobody can guess them. An even number, up to
// 512.
std::string random_hex(std::size_t digits);

}  // namespace vecdb
