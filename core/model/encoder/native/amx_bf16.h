#pragma once

#include <cstdint>
#include <cstring>

#include "model/encoder/native/f32.h"

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
    const Shapes shapes;
    _tile_loadconfig(&shapes);
  }
  ~TileSession() { _tile_release(); }
  TileSession(const TileSession&) = delete;
  TileSession& operator=(const TileSession&) = delete;
};

// A step in depth takes 32 numbers: a tile of the left operand is 16 rows of them, a tile of the
// right one 16 rows of pairs, one pair a column. A panel has two tiles a step.
struct AmxBf16 {
  using Stored = std::uint16_t;
  using Session = TileSession;
  static constexpr Accuracy k_accuracy = Accuracy::k_bf16;
  static constexpr std::size_t k_depth = 32;
  static constexpr std::size_t k_rows = 32;
  static constexpr std::size_t k_tile = 512;  // numbers

  static Pair load(const Stored* from) {
    const __m512i both = _mm512_loadu_si512(from);
    return {widen(_mm512_castsi512_si256(both)), widen(_mm512_extracti64x4_epi64(both, 1))};
  }
  static void store(Stored* to, Pair x) {
    _mm512_storeu_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(x.high, x.low)));
  }
  static void store(Stored* to, Floats x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
  }

  static void pack_rows(const Stored* rows, std::size_t stride, std::size_t depth, Stored* panel) {
    for (std::size_t k = 0; k < depth; k += k_depth) {
      for (std::size_t half = 0; half < 2; ++half) {
        transpose(rows + half * 16 * stride + k, stride, panel + k * k_pair + half * k_tile);
      }
    }
  }

  static void pack_columns(const Stored* rows, std::size_t stride, std::size_t filled,
                           std::size_t depth, Stored* panel) {
    const auto row = [&](std::size_t k) {
      return k < filled ? _mm512_loadu_si512(rows + k * stride) : _mm512_setzero_si512();
    };
    // Words 0 … 15 of two rows, one beside the other, and words 16 … 31.
    alignas(64) std::uint16_t first[32];
    alignas(64) std::uint16_t second[32];
    for (std::uint16_t i = 0; i < 32; ++i) {
      first[i] = static_cast<std::uint16_t>(i / 2 + (i % 2) * 32);
      second[i] = static_cast<std::uint16_t>(first[i] + 16);
    }
    const __m512i low = _mm512_load_si512(first);
    const __m512i high = _mm512_load_si512(second);
    for (std::size_t k = 0; k < depth; k += 2) {
      const __m512i even = row(k);
      const __m512i odd = row(k + 1);
      Stored* to = panel + k / k_depth * (2 * k_tile) + k % k_depth / 2 * k_depth;
      _mm512_store_si512(to, _mm512_permutex2var_epi16(even, low, odd));
      _mm512_store_si512(to + k_tile, _mm512_permutex2var_epi16(even, high, odd));
    }
  }

  // Two tiles down, two across.
  template <typename Between>
  static void block(const Stored* rows, std::size_t stride, const Stored* panel, std::size_t depth,
                    const float* start, float* out, std::size_t out_stride, Between&& between) {
    const std::size_t row_bytes = stride * sizeof(Stored);
    const Stored* lower = rows + 16 * stride;
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

 private:
  // 16 rows of 16 pairs each; a pair stays one.
  static void transpose(const Stored* rows, std::size_t stride, Stored* tile) {
    __m512i x[16];
    __m512i y[16];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 16; ++i) x[i] = _mm512_loadu_si512(rows + i * stride);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 16; i += 2) {  // pairs of rows
      y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
      y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 16; i += 4) {  // groups of four
      x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
      x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
      x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
      x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {  // quarters of registers: a 4×4 transposition of them
      y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
      y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xDD);
      y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
      y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xDD);
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) {
      _mm512_storeu_si512(tile + i * k_depth, _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88));
      _mm512_storeu_si512(tile + (i + 8) * k_depth, _mm512_shuffle_i32x4(y[i], y[i + 8], 0xDD));
    }
  }

  static Floats widen(__m256i x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
  }
};

}  // namespace vecdb::native
