#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vecdb {

// Breaks lines at spaces so that none is wider than `width` code points, where words allow it.
// Existing line ends stay. For eyes only: wide and combining characters are counted as one.
std::string wrap(std::string_view text, std::size_t width);

}  // namespace vecdb
