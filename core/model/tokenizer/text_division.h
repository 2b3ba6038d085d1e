#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace vecdb {

// Divides a text into consecutive parts that together are all of it and of which each `fits`. A
// part ends behind white space where it holds some after other text; else between two graphemes
// (UAX #29); else between two code points. Nothing when not even one character fits.
//
// `text` must be well-formed UTF-8. `fits` is asked O(log n) times for a part of n bytes, and never
// for much more than twice as many; it should say yes to a text when it does to a longer one that
// starts with it, and where it does not, parts are shorter than they could be, but fit.
std::optional<std::vector<std::string_view>> divide_text(
    std::string_view text, const std::function<bool(std::string_view)>& fits);

}  // namespace vecdb
