#include "pipeline/duplicates.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/interrupt.h"
#include "base/worker_pool.h"
#include "search/near_pairs.h"
#include "search/ranking.h"

namespace vecdb {

namespace {

// Chunks that are compared with all before them at a time. What is read per product falls with it,
// and memory for the pairs inside it grows with its square.
constexpr std::size_t k_block = 1024;
// Kept chunks that a task compares with a block: short enough to notice an interrupt.
constexpr std::size_t k_kept_per_task = 1920;

constexpr std::size_t k_none = static_cast<std::size_t>(-1);

// The kept chunk that a chunk is nearest to; k_none: it is kept itself.
struct Nearest {
  std::size_t kept = k_none;  // its row
  double score = 0;

  // Others are offered in the order of their rows, so of equals the first one stays.
  void offer(std::size_t row, double row_score) {
    if (kept == k_none || row_score > score) *this = {row, row_score};
  }
};

// A document's chunks that are compared, in rows [first, end).
struct Document {
  std::string uri;
  std::size_t first = 0;
  std::size_t end = 0;
  std::uint64_t chunks = 0;  // all of them
};

class Comparison {
 public:
  Comparison(const StoreReader& store, const DuplicateOptions& options)
      : m_store(store), m_options(options), m_dimension(store.settings().dimension) {
    // A float32 product may be off by rounding, and a stored vector's length a little.
    m_least = static_cast<float>(options.threshold - k_unit_tolerance -
                                 rounding_of_product(m_dimension));
  }

  std::optional<Duplicates> run(const DuplicateProgress& progress) {
    Duplicates result;
    result.unknown_keys = read_rows();
    const auto total = static_cast<double>(m_chunks.size());
    for (std::size_t first = 0; first < m_chunks.size(); first += k_block) {
      const std::size_t count = std::min(k_block, m_chunks.size() - first);
      compare_block(first, count);
      if (pending_interrupt() != 0) return std::nullopt;
      const double share = static_cast<double>(first + count) / total;
      progress(share * share);  // a block is compared with what comes before it
    }
    if (pending_interrupt() != 0) return std::nullopt;
    collect(result);
    return result;
  }

 private:
  // In order of uri and number.
  std::vector<UnknownKey> read_rows() {
    const auto take = [&](const DocumentSummary& document, const ChunkRanges& ranges) {
      const std::size_t first = m_chunks.size();
      for (const ChunkRange& range : ranges) {
        for (ChunkId chunk = range.first; chunk < range.end; ++chunk) {
          m_chunks.push_back(chunk);
          m_vectors.push_back(m_store.vector_bytes_of(chunk));
        }
      }
      m_documents.push_back({document.record.uri, first, m_chunks.size(), document.chunks});
      return pending_interrupt() == 0;
    };
    std::vector<UnknownKey> unknown;
    if (m_options.filter) {
      unknown = each_passing(m_store, *m_options.filter, take);
    } else {
      m_store.each_document([&](const DocumentSummary& document) {
        const ChunkId first = document.first_chunk;
        return take(document, {{first, first + static_cast<ChunkId>(document.chunks)}});
      });
    }
    m_nearest.resize(m_chunks.size());
    return unknown;
  }

  void compare_block(std::size_t first, std::size_t count) {
    const auto rows = std::span(m_vectors).subspan(first, count);
    const VectorsToCompare block(rows, m_dimension);
    const std::size_t tasks = (m_kept.size() + k_kept_per_task - 1) / k_kept_per_task;
    std::vector<std::vector<Nearest>> found(tasks);
    // One more compares the block with itself.
    std::vector<bool> pairs(count * count);
    run_parallel(tasks + 1, m_options.threads, [&](std::size_t task) {
      if (pending_interrupt() != 0) return;
      if (task == tasks) {
        block.each_near(rows, m_least, [&](std::size_t a, std::size_t b, float) {
          if (b < a) pairs[a * count + b] = true;
        });
      } else {
        found[task] = compare_with_kept(block, first, count, task * k_kept_per_task);
      }
    });
    if (pending_interrupt() != 0) return;
    for (std::size_t i = 0; i < count; ++i) {
      Nearest& nearest = m_nearest[first + i];
      for (const auto& each : found) {
        if (each[i].kept != k_none) nearest.offer(each[i].kept, each[i].score);
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (pairs[i * count + j] && is_kept(first + j)) offer(nearest, first + i, first + j);
      }
      if (nearest.kept == k_none) m_kept.push_back(first + i);
    }
  }

  std::vector<Nearest> compare_with_kept(const VectorsToCompare& block, std::size_t first,
                                         std::size_t count, std::size_t first_kept) const {
    const auto kept = std::span(m_kept).subspan(
        first_kept, std::min(k_kept_per_task, m_kept.size() - first_kept));
    std::vector<VectorAddress> vectors;
    for (const std::size_t row : kept) vectors.push_back(m_vectors[row]);
    std::vector<Nearest> nearest(count);
    block.each_near(vectors, m_least, [&](std::size_t i, std::size_t k, float) {
      offer(nearest[i], first + i, kept[k]);
    });
    return nearest;
  }

  bool is_kept(std::size_t row) const { return m_nearest[row].kept == k_none; }

  void offer(Nearest& nearest, std::size_t row, std::size_t kept) const {
    const double score = score_of(row, kept);
    if (score >= m_options.threshold) nearest.offer(kept, score);
  }

  double score_of(std::size_t a, std::size_t b) const {
    const std::size_t bytes = m_dimension * sizeof(float);
    if (std::memcmp(m_vectors[a], m_vectors[b], bytes) == 0) return 1;
    std::vector<float> x(m_dimension);
    std::vector<float> y(m_dimension);
    std::memcpy(x.data(), m_vectors[a], bytes);
    std::memcpy(y.data(), m_vectors[b], bytes);
    return std::min(1.0, cosine_of_units(x, y));
  }

  void collect(Duplicates& result) const {
    result.chunks = m_chunks.size();
    result.duplicates = m_chunks.size() - m_kept.size();
    std::unordered_map<std::size_t, std::vector<std::size_t>> duplicates_of;  // rows of a kept row
    for (std::size_t row = 0; row < m_chunks.size(); ++row) {
      if (!is_kept(row)) duplicates_of[m_nearest[row].kept].push_back(row);
    }
    for (const std::size_t kept : m_kept) {
      const auto found = duplicates_of.find(kept);
      if (found == duplicates_of.end()) continue;
      DuplicateGroup group{.kept = m_chunks[kept], .duplicates = {}};
      for (const std::size_t row : found->second) {
        group.duplicates.push_back({.chunk = m_chunks[row], .score = m_nearest[row].score});
      }
      std::ranges::stable_sort(group.duplicates, std::greater(), &Duplicate::score);
      result.groups.push_back(std::move(group));
    }
    for (const Document& document : m_documents) {
      std::uint64_t dropped = 0;
      for (std::size_t row = document.first; row < document.end; ++row) dropped += is_kept(row) ? 0 : 1;
      if (dropped > 0 && dropped == document.chunks) result.redundant.push_back(document.uri);
    }
  }

  const StoreReader& m_store;
  const DuplicateOptions& m_options;
  std::size_t m_dimension;
  float m_least = 0;  // of a float32 product that may reach the threshold
  std::vector<Document> m_documents;
  std::vector<ChunkId> m_chunks;  // by row, as those that follow
  std::vector<VectorAddress> m_vectors;
  std::vector<Nearest> m_nearest;
  std::vector<std::size_t> m_kept;  // rows, ascending
};

}  // namespace

std::optional<Duplicates> find_duplicates(const StoreReader& store, const DuplicateOptions& options,
                                          const DuplicateProgress& progress) {
  return Comparison(store, options).run(progress);
}

}  // namespace vecdb
