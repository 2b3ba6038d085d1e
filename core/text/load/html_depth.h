#pragma once

#include <cstddef>
#include <string_view>

namespace vecdb {

// How many elements are open at once, at most, when a page is read tag by tag, without those whose
// end tag may be left out (<p>, <li>, <td>, …: they do not nest in themselves) and those that have
// none. Stops counting at `most`. A bound for what a parser will nest, found in one pass.
std::size_t html_depth(std::string_view page, std::size_t most);

}  // namespace vecdb
