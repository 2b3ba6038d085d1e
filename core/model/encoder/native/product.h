#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "model/encoder/native/rows.h"
#include "model/encoder/native/simd.h"

namespace vecdb::native {

// The right operand of a product, in panels of k_pair columns and the whole depth.
template <typename Number>
class Panels {
 public:
  using Stored = typename Number::Stored;

  // Sizes are rounded up to whole panels and steps; what they are filled up with must be zero.
  Panels(std::size_t columns, std::size_t depth)
      : m_columns(round_up(columns, k_pair)),
        m_depth(round_up(depth, Number::k_depth)),
        m_numbers(m_columns * m_depth) {}

  std::size_t columns() const noexcept { return m_columns; }
  std::size_t depth() const noexcept { return m_depth; }
  Stored* panel(std::size_t column) noexcept { return m_numbers.data() + column * m_depth; }
  const Stored* panel(std::size_t column) const noexcept {
    return m_numbers.data() + column * m_depth;
  }

 private:
  std::size_t m_columns;
  std::size_t m_depth;
  Buffer<Stored> m_numbers;
};

// Hands a finished block on, row by row, while the next one is computed.
template <typename Number, typename Finish>
class PendingBlock {
 public:
  explicit PendingBlock(const Finish& finish) : m_finish(finish) {}

  void begin(const typename Number::Sum* sums, std::size_t row, std::size_t column) {
    m_sums = sums;
    m_row = row;
    m_column = column;
    m_next = 0;
  }
  void advance(std::size_t count) {
    for (const std::size_t end = std::min(m_next + count, Number::k_rows); m_next < end; ++m_next) {
      m_finish(m_row + m_next, m_column, Number::load_sums(m_sums + m_next * k_pair));
    }
  }

 private:
  Finish m_finish;  // a copy: what it holds can stay in registers
  const typename Number::Sum* m_sums = nullptr;
  std::size_t m_row = 0;
  std::size_t m_column = 0;
  std::size_t m_next = Number::k_rows;
};

// Brings the panel after the present one nearer, a share of it with each block: the weights of a
// layer are more than the second-level cache holds, and the first block of a panel would wait.
class PanelAhead {
 public:
  PanelAhead(std::size_t panel_bytes, std::size_t blocks)
      : m_lines(panel_bytes / k_cache_line), m_lines_a_block((m_lines + blocks - 1) / blocks) {}

  void begin_panel(const void* next) {
    m_next = static_cast<const char*>(next);
    m_left = m_lines;
  }
  void begin_block() { m_left_in_block = std::min(m_left, m_lines_a_block); }
  void advance(std::size_t lines) {
    lines = std::min(lines, m_left_in_block);
    for (std::size_t i = 0; i < lines; ++i) {
      _mm_prefetch(m_next + i * k_cache_line, _MM_HINT_T1);
    }
    m_next += lines * k_cache_line;
    m_left -= lines;
    m_left_in_block -= lines;
  }
  std::size_t lines_a_block() const { return m_lines_a_block; }

 private:
  std::size_t m_lines;
  std::size_t m_lines_a_block;
  std::size_t m_left = 0;
  std::size_t m_left_in_block = 0;
  const char* m_next = nullptr;
};

// rows × panels: finish(row, column, Pair) is called once for each row and pair of columns. `count`
// is a multiple of k_rows. `start` has panels.columns() numbers, which sums begin with, or is null.
// A row's results depend on nothing but the row.
template <typename Number, typename Finish>
void multiply(const typename Number::Stored* rows, std::size_t stride, std::size_t count,
              const Panels<Number>& panels, const typename Number::Sum* start,
              const Finish& finish) {
  alignas(k_cache_line) typename Number::Sum sums[2][Number::k_rows * k_pair];
  PendingBlock<Number, Finish> pending(finish);
  const std::size_t steps = panels.depth() / Number::k_stretch;
  [[maybe_unused]] const std::size_t rows_a_step = (Number::k_rows + steps - 1) / steps;
  PanelAhead ahead(panels.depth() * k_pair * sizeof(*rows), count / Number::k_rows);
  const std::size_t lines_a_step = (ahead.lines_a_block() + steps - 1) / steps;
  std::size_t current = 0;
  for (std::size_t column = 0; column < panels.columns(); column += k_pair) {
    ahead.begin_panel(panels.panel(column + k_pair));  // there is none after the last: no harm
    for (std::size_t row = 0; row < count; row += Number::k_rows) {
      ahead.begin_block();
      Number::block(rows + row * stride, stride, panels.panel(column), panels.depth(),
                    start ? start + column : nullptr, sums[current], k_pair, [&] {
                      ahead.advance(lines_a_step);
                      if constexpr (Number::k_finishes_between) pending.advance(rows_a_step);
                    });
      pending.advance(Number::k_rows);
      pending.begin(sums[current], row, column);
      current ^= 1U;
    }
  }
  pending.advance(Number::k_rows);
}

}  // namespace vecdb::native
