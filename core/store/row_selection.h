#pragma once

#include <cstdint>
#include <variant>
#include <vector>

namespace vecdb {

// Rows of a segment: [first, end).
struct RowRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
};

// The rows of a segment that a search may find.
struct RowSelection {
  using Each = std::vector<std::int64_t>;  // ascending; no other row is looked at
  using AllBut = std::vector<bool>;        // a bit for each row, set for those that are left out

  std::int64_t most = 0;  // how many there are, dead ones perhaps among them
  // Fewer are dearer to look for in an index than to compare one by one.
  bool is_few = false;
  std::variant<RowRange, Each, AllBut> rows;
};

}  // namespace vecdb
