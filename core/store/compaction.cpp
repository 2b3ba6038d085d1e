#include "store/compaction.h"

#include <algorithm>

namespace vecdb {

namespace {

constexpr std::int64_t k_dead_share = 4;  // one of so many rows
constexpr std::int64_t k_dead_share_of_indexed = 2;
constexpr std::size_t k_fan_in = 8;

// The magnitude of a number of rows, in powers of the fan-in.
int tier_of(std::int64_t rows) {
  int tier = 0;
  for (; rows >= static_cast<std::int64_t>(k_fan_in); rows /= k_fan_in) ++tier;
  return tier;
}

}  // namespace

SegmentRun due_compaction(std::span<const SegmentRow> segments) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const SegmentRow& segment = segments[i];
    const std::int64_t share = segment.index.empty() ? k_dead_share : k_dead_share_of_indexed;
    if (static_cast<std::int64_t>(segment.dead.size()) >= (segment.count - 1) / share + 1) {
      return {.first = i, .count = 1};
    }
  }
  // From the newest on, for the magnitude of the largest so far.
  int tier = -1;
  std::size_t peers = 0;
  for (std::size_t i = segments.size(); i > 0; --i) {
    if (!segments[i - 1].index.empty()) break;
    const int next = tier_of(segments[i - 1].live());
    if (next > tier) peers = 0;
    tier = std::max(tier, next);
    if (next == tier) ++peers;
    if (peers == k_fan_in) return {.first = i - 1, .count = segments.size() - i + 1};
  }
  return {};
}

}  // namespace vecdb
