#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vecdb {

// How a number of lengths are distributed.
struct LengthStats {
  struct Bin {
    std::size_t from = 0;
    std::size_t to = 0;  // inside
    std::size_t count = 0;
  };

  std::size_t min = 0;
  std::size_t median = 0;  // the length that half of them do not exceed
  double mean = 0;
  std::size_t p95 = 0;  // the length that 95 % of them do not exceed
  std::size_t max = 0;
  std::vector<Bin> histogram;  // of one width, from 0 to past max; at most 20
};

// All zero, without a bin, for no lengths at all.
LengthStats length_stats(std::vector<std::size_t> lengths);

// What split --stats prints.
struct ChunkStats {
  std::size_t chunks = 0;
  std::size_t chunk_size = 0;
  std::size_t oversize = 0;  // chunks longer than that
  LengthStats characters;
  std::optional<LengthStats> tokens;  // nothing without a model, like what follows
  std::size_t room = 0;               // tokens of a text that the model's window holds
  std::size_t over_window = 0;        // chunks with more than that
};

std::string to_json(const ChunkStats& stats);  // one line
std::string to_text(const ChunkStats& stats);  // a table and two histograms

}  // namespace vecdb
