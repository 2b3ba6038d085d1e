// Input: what a segment's row says of its index, JSON.
#include <algorithm>
#include <string>

#include "fuzz.h"
#include "store/ivf_index.h"

using namespace vecdb;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  SegmentRow segment;
  segment.id = 12;
  segment.count = 1000;
  segment.index.assign(reinterpret_cast<const char*>(data), size);
  const auto read = [&] {
    return fuzz::unless_refused(ErrorKind::k_damaged,
                                [&] { return parse_ivf_row(segment, "catalog.db"); });
  };
  const auto row = read();
  if (!row) return 0;
  require(row->name.starts_with("000012-") && row->name.size() == 19 && row->name.ends_with(".ivf"),
          "another file is named");
  require(row->bytes > 0 && row->lists > 0 && row->lists <= 1000, "a number is out of range");
  for (const RecallPoint& point : row->recall) {
    require(point.lists > 0 && point.lists <= 1000, "a number of lists is out of range");
    require(point.recall >= 0 && point.recall <= 1, "a recall is out of range");
  }
  segment.index = to_text(*row);
  const auto again = read();
  require(again.has_value(), "what is written is refused");
  require(to_text(*again) == segment.index, "written and read, it is another one");
  return 0;
}
