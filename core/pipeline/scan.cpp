#include "pipeline/scan.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "base/interrupt.h"
#include "base/worker_pool.h"
#include "search/near_pairs.h"
#include "search/ranking.h"

namespace vecdb {

namespace {

// Vectors of the question that rows are compared with at a time.
constexpr std::size_t k_block = 1024;
// Rows a task. The first task goes alone, and each round is twice as long as the one before: what was
// found until then says what need not be looked at.
constexpr std::size_t k_rows_per_task = 480;
constexpr std::size_t k_most_tasks = 64;

constexpr float k_nothing = -std::numeric_limits<float>::infinity();

class Scan {
 public:
  Scan(const StoreReader& store, std::span<const float> vectors, std::size_t k)
      : m_store(store),
        m_k(k),
        // Two products may be off, and vectors are of unit length only nearly.
        m_margin(static_cast<float>(3 * rounding_of_product(store.settings().dimension))) {
    const std::size_t dimension = store.settings().dimension;
    std::vector<VectorAddress> block;
    for (std::size_t at = 0; at < vectors.size(); at += dimension) {
      block.push_back(std::as_bytes(vectors.subspan(at)).data());
      if (block.size() < k_block && at + dimension < vectors.size()) continue;
      m_blocks.emplace_back(block, dimension);
      block.clear();
    }
  }

  std::optional<std::vector<ChunkId>> run(const ChunkRanges* among) {
    read_rows(among);
    for (std::size_t first = 0, tasks = 1; first < m_rows.size();) {
      if (pending_interrupt() != 0) return std::nullopt;
      const std::size_t end = std::min(m_rows.size(), first + tasks * k_rows_per_task);
      compare(first, end);
      raise_least(end);
      first = end;
      tasks = std::min(2 * tasks, k_most_tasks);
    }
    if (pending_interrupt() != 0) return std::nullopt;
    std::vector<ChunkId> chunks;
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
      if (m_best[row] >= m_least) chunks.push_back(m_chunks[row]);
    }
    return chunks;
  }

 private:
  void read_rows(const ChunkRanges* among) {
    m_store.each_document([&](const DocumentSummary& document) {
      const ChunkRange all{document.first_chunk,
                           document.first_chunk + static_cast<ChunkId>(document.chunks)};
      if (among == nullptr) {
        add(all);
      } else {
        auto range = std::ranges::upper_bound(*among, all.first, {}, &ChunkRange::end);
        for (; range != among->end() && range->first < all.end; ++range) {
          add({std::max(range->first, all.first), std::min(range->end, all.end)});
        }
      }
      return pending_interrupt() == 0;
    });
    m_best.assign(m_rows.size(), k_nothing);
  }

  void add(ChunkRange range) {
    for (ChunkId chunk = range.first; chunk < range.end; ++chunk) {
      m_chunks.push_back(chunk);
      m_rows.push_back(m_store.vector_bytes_of(chunk));
    }
  }

  void compare(std::size_t first, std::size_t end) {
    const std::size_t tasks = (end - first + k_rows_per_task - 1) / k_rows_per_task;
    run_parallel(tasks, m_store.threads(), [&](std::size_t task) {
      const std::size_t begin = first + task * k_rows_per_task;
      const auto rows = std::span(m_rows).subspan(begin, std::min(k_rows_per_task, end - begin));
      for (const VectorsToCompare& block : m_blocks) {
        if (pending_interrupt() != 0) return;
        block.each_near(rows, m_least, [&](std::size_t, std::size_t row, float product) {
          m_best[begin + row] = std::max(m_best[begin + row], product);
        });
      }
    });
  }

  // No row that comes later needs to be less than the k-th best of those until `end`.
  void raise_least(std::size_t end) {
    if (end < m_k) return;
    std::vector<float> best(m_best.begin(), m_best.begin() + static_cast<std::ptrdiff_t>(end));
    const auto kth = best.begin() + static_cast<std::ptrdiff_t>(m_k) - 1;
    std::ranges::nth_element(best, kth, std::greater());
    m_least = std::max(m_least, *kth - m_margin);
  }

  const StoreReader& m_store;
  std::size_t m_k;
  float m_margin;
  std::vector<VectorsToCompare> m_blocks;
  std::vector<ChunkId> m_chunks;  // by row, as those that follow
  std::vector<VectorAddress> m_rows;
  std::vector<float> m_best;  // the greatest product so far that was at least m_least then
  float m_least = k_nothing;
};

}  // namespace

std::optional<std::vector<ChunkId>> scan_for_nearest(const StoreReader& store,
                                                     std::span<const float> vectors, std::size_t k,
                                                     const ChunkRanges* among) {
  return Scan(store, vectors, k).run(among);
}

}  // namespace vecdb
