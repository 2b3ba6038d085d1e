#include "length_stats.h"

#include <algorithm>
#include <iomanip>
#include <numeric>
#include <sstream>

#include "base/json.h"
#include "console.h"

namespace vecdb {

namespace {

constexpr std::size_t k_most_bins = 20;
constexpr std::size_t k_longest_bar = 50;

// 1, 2, 5, 10, 20, 50, …: the first that covers `range` with few enough bins.
std::size_t bin_width(std::size_t range) {
  for (std::size_t power = 1;; power *= 10) {
    for (const std::size_t width : {power, 2 * power, 5 * power}) {
      if (range / width < k_most_bins) return width;
    }
  }
}

// The smallest of the sorted lengths that `percent` of them do not exceed.
std::size_t percentile(const std::vector<std::size_t>& sorted, std::size_t percent) {
  return sorted[(sorted.size() * percent + 99) / 100 - 1];
}

Json to_json_value(const LengthStats& stats) {
  Json histogram = Json::array();
  for (const LengthStats::Bin& bin : stats.histogram) {
    histogram.push_back({{"from", bin.from}, {"to", bin.to}, {"count", bin.count}});
  }
  return {{"min", stats.min}, {"median", stats.median}, {"mean", stats.mean},
          {"p95", stats.p95}, {"max", stats.max},       {"histogram", histogram}};
}

void print_row(std::ostream& out, const std::string& name, const LengthStats& stats) {
  out << std::left << std::setw(10) << name << std::right << std::fixed << std::setprecision(1)
      << std::setw(9) << stats.min << std::setw(9) << stats.median << std::setw(11) << stats.mean
      << std::setw(9) << stats.p95 << std::setw(9) << stats.max << "\n";
}

void print_histogram(std::ostream& out, const std::string& name, const LengthStats& stats) {
  std::size_t most = 1;
  for (const LengthStats::Bin& bin : stats.histogram) most = std::max(most, bin.count);
  out << "\n" << name << "\n";
  for (const LengthStats::Bin& bin : stats.histogram) {
    const std::size_t bar = (bin.count * k_longest_bar + most - 1) / most;  // of none: none
    out << std::right << std::setw(9) << bin.from << " - " << std::left << std::setw(9) << bin.to
        << std::right << std::setw(9) << bin.count << (bar > 0 ? " " : "") << std::string(bar, '#')
        << "\n";
  }
}

}  // namespace

LengthStats length_stats(std::vector<std::size_t> lengths) {
  LengthStats stats;
  if (lengths.empty()) return stats;
  std::ranges::sort(lengths);
  stats.min = lengths.front();
  stats.median = percentile(lengths, 50);
  stats.mean =
      static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), std::size_t{0})) /
      static_cast<double>(lengths.size());
  stats.p95 = percentile(lengths, 95);
  stats.max = lengths.back();
  const std::size_t width = bin_width(stats.max);
  for (std::size_t from = 0; from <= stats.max; from += width) {
    stats.histogram.push_back({.from = from, .to = from + width - 1});
  }
  for (const std::size_t length : lengths) ++stats.histogram[length / width].count;
  return stats;
}

std::string to_json(const ChunkStats& stats) {
  const bool has_tokens = stats.tokens.has_value();
  return dump_json({{"chunks", stats.chunks},
                    {"chunk_size", stats.chunk_size},
                    {"oversize", stats.oversize},
                    {"room", has_tokens ? Json(stats.room) : Json()},
                    {"over_window", has_tokens ? Json(stats.over_window) : Json()},
                    {"characters", to_json_value(stats.characters)},
                    {"tokens", has_tokens ? to_json_value(*stats.tokens) : Json()}});
}

std::string to_text(const ChunkStats& stats) {
  std::ostringstream out;
  out << counted(stats.chunks, "chunk") << ", " << with_thousands(stats.oversize)
      << " longer than the chunk size of " << with_thousands(stats.chunk_size);
  if (stats.tokens) {
    out << ", " << with_thousands(stats.over_window) << " with more than the "
        << counted(stats.room, "token") << " that the model's window holds";
  }
  out << "\n\n                min   median       mean      p95      max\n";
  print_row(out, "characters", stats.characters);
  if (stats.tokens) print_row(out, "tokens", *stats.tokens);
  print_histogram(out, "characters", stats.characters);
  if (stats.tokens) print_histogram(out, "tokens", *stats.tokens);
  return out.str();
}

}  // namespace vecdb
