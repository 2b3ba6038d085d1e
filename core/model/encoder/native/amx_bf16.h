#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "model/encoder/native/bf16.h"

// bfloat16 by the tile registers of AMX: 16 rows of 64 bytes each.
namespace vecdb::native {

// Shapes the tiles for the thread that holds it, and releases them.
class TileSession {
 public:
  TileSession() {
    struct alignas(k_lanes * 4) Shapes {
      std::uint8_t palette = 1;
      std::uint8_t first_row = 0;
      std::uint8_t reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    // A constant, not stores: GCC 12 takes no more than 8 of its bytes for read, and might leave
    // the others out.
    static constexpr Shapes shapes;
    _tile_loadconfig(&shapes);
  }
  ~TileSession() { _tile_release(); }
  TileSession(const TileSession&) = delete;
  TileSession& operator=(const TileSession&) = delete;
};

// A step in depth takes 32 numbers: a tile of the left operand is 16 rows of them, a tile of the
// right one 16 rows of pairs, one pair a column. A panel has two tiles a step.
struct AmxBf16 : Bf16 {
  using Session = TileSession;
  static constexpr std::size_t k_depth = 32;
  static constexpr std::size_t k_stretch = 32;
  static constexpr bool k_finishes_between = true;
  static constexpr std::size_t k_rows = 32;
  static constexpr std::size_t k_tile = 512;  // numbers

  static void pack_rows(const Stored* rows, std::size_t stride, std::size_t depth, Stored* panel) {
    for (std::size_t k = 0; k < depth; k += k_depth) {
      for (std::size_t half = 0; half < 2; ++half) {
        transpose(rows + half * 16 * stride + k, stride, panel + k * k_pair + half * k_tile,
                  k_depth);
      }
    }
  }

  static void pack_columns(const Stored* rows, std::size_t stride, std::size_t filled,
                           std::size_t depth, Stored* panel) {
    const auto row = [&](std::size_t k) { return k < filled ? rows + k * stride : nullptr; };
    for (std::size_t k = 0; k < depth; k += 2) {
      Stored* to = panel + k / k_depth * (2 * k_tile) + k % k_depth / 2 * k_depth;
      interleave(row(k), row(k + 1), to, to + k_tile);
    }
  }

  // Two tiles down, two across.
  template <typename Between>
  static void block(const Stored* rows, std::size_t stride, const Stored* panel, std::size_t depth,
                    const float* start, float* out, std::size_t out_stride, Between&& between) {
    const std::size_t row_bytes = stride * sizeof(Stored);
    const Stored* lower = rows + 16 * stride;
    // GCC 12's _tile_loadd() does not say that it reads memory: what was stored there, and will be
    // stored anew, might be left out.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (start != nullptr) {
      _tile_loadd(0, start, 0);  // all 16 rows from one place
      _tile_loadd(1, start + 16, 0);
      _tile_loadd(2, start, 0);
      _tile_loadd(3, start + 16, 0);
    } else {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    }
    for (std::size_t k = 0; k < depth; k += k_depth) {
      _tile_loadd(4, rows + k, row_bytes);
      _tile_loadd(6, panel + k * k_pair, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, panel + k * k_pair + k_tile, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, lower + k, row_bytes);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      between();
    }
    const std::size_t out_bytes = out_stride * sizeof(float);
    _tile_stored(0, out, out_bytes);
    _tile_stored(1, out + 16, out_bytes);
    _tile_stored(2, out + 16 * out_stride, out_bytes);
    _tile_stored(3, out + 16 * out_stride + 16, out_bytes);
  }
};

}  // namespace vecdb::native
