#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vecdb {

// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) to `word`, or
// nothing when none is near enough to be meant.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace vecdb
