#include "text/load/html_references.h"

#include <algorithm>

namespace vecdb {

namespace {

struct Base {
  std::string_view digits;
  std::size_t most;        // significant digits that 32 bits always hold
  std::string_view bound;  // 0x110000, no longer than that
};

constexpr Base k_decimal{"0123456789", 9, "1114112"};
constexpr Base k_hexadecimal{"0123456789abcdefABCDEF", 7, "110000"};

}  // namespace

std::optional<std::string> bound_references(std::string_view page) {
  std::optional<std::string> bounded;
  for (std::size_t at = page.find("&#"); at != std::string_view::npos; at = page.find("&#", at)) {
    at += 2;
    const bool is_hexadecimal = at < page.size() && (page[at] == 'x' || page[at] == 'X');
    const Base& base = is_hexadecimal ? k_hexadecimal : k_decimal;
    at += is_hexadecimal ? 1 : 0;
    const std::size_t end = std::min(page.find_first_not_of(base.digits, at), page.size());
    const std::size_t significant = std::min(page.find_first_not_of('0', at), end);
    if (end - significant <= base.most) continue;
    if (!bounded) bounded = page;
    std::fill(bounded->begin() + static_cast<std::ptrdiff_t>(significant),
              bounded->begin() + static_cast<std::ptrdiff_t>(end), '0');
    bounded->replace(end - base.bound.size(), base.bound.size(), base.bound);
    at = end;
  }
  return bounded;
}

}  // namespace vecdb
