#pragma once

#include <cstddef>
#include <string_view>

namespace vecdb {

// Bounds for what a parser will make of a page, found in one pass over its tags: parsing takes time
// that grows with the square of both.
struct HtmlShape {
  // Most elements that are open at once, without those whose end tag may be left out (<p>, <li>,
  // <td>, …: they do not nest in themselves) and those that have none.
  std::size_t depth = 0;
  std::size_t attributes = 0;  // most of one tag
};

// Stops where either is over `most`.
HtmlShape html_shape(std::string_view page, std::size_t most);

}  // namespace vecdb
