#include "pipeline/query.h"

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "pipeline/scan.h"
#include "search/ranking.h"

namespace vecdb {

namespace {

// From so many vectors on, comparing everything with all of them at a time is faster than a search
// for each.
constexpr std::size_t k_many_vectors = 32;

// Rows asked of the index beyond k, so that one pass nearly always settles the border.
constexpr std::size_t k_margin = 16;

struct Candidate {
  ChunkId chunk = 0;
  double score = 0;
};

// The rows that can stand among the best k for one vector: all whose exact score reaches the k-th
// best.
std::vector<Candidate> find_candidates(const StoreReader& store, std::span<const float> query,
                                       const QueryLimits& limits) {
  const std::size_t k = limits.k;
  for (std::size_t count = k + k_margin;; count *= 4) {
    const std::vector<Proposal> proposals =
        store.propose(query, count, limits.among, limits.effort);
    std::vector<Candidate> candidates;
    candidates.reserve(proposals.size());
    for (const Proposal& proposal : proposals) {
      candidates.push_back(
          {proposal.chunk, cosine_of_units(query, store.vector_of(proposal.chunk))});
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    const bool exhausted = proposals.size() < count;
    if (!exhausted && !is_settled(candidates[k - 1].score, proposals.back().score, query.size())) {
      continue;
    }
    if (candidates.size() > k) {
      const double border = candidates[k - 1].score;
      std::erase_if(candidates, [&](const Candidate& each) { return each.score < border; });
    }
    return candidates;
  }
}

// The rows that can stand among the best k for all vectors together. One whose best score is with
// some vector, and that is not a candidate for this one, has k better rows before it. Nothing when
// an interrupt is pending.
std::optional<std::vector<ChunkId>> find_candidates_of_all(const StoreReader& store,
                                                           std::span<const float> vectors,
                                                           const QueryLimits& limits) {
  const std::size_t dimension = store.settings().dimension;
  if (vectors.size() >= k_many_vectors * dimension && store.is_exact(limits.effort)) {
    return scan_for_nearest(store, vectors, limits.k, limits.among);
  }
  std::unordered_map<ChunkId, double> best;
  for (std::size_t at = 0; at < vectors.size(); at += dimension) {
    if (pending_interrupt() != 0) return std::nullopt;
    for (const Candidate& each : find_candidates(store, vectors.subspan(at, dimension), limits)) {
      const auto [known, is_new] = best.emplace(each.chunk, each.score);
      if (!is_new) known->second = std::max(known->second, each.score);
    }
  }
  std::vector<Candidate> candidates;
  for (const auto& [chunk, score] : best) candidates.push_back({chunk, score});
  if (candidates.size() > limits.k) {
    const auto kth = candidates.begin() + static_cast<std::ptrdiff_t>(limits.k) - 1;
    std::ranges::nth_element(candidates, kth, std::greater(), &Candidate::score);
    const double border = kth->score;
    std::erase_if(candidates, [&](const Candidate& each) { return each.score < border; });
  }
  std::vector<ChunkId> chunks;
  for (const Candidate& each : candidates) chunks.push_back(each.chunk);
  return chunks;
}

// How near a chunk is to the nearest of the vectors, the first of equals. An index may have found
// it by another one.
Hit hit_of(const StoreReader& store, std::span<const float> vectors, ChunkId chunk) {
  const std::vector<float> vector = store.vector_of(chunk);
  std::span<const float> nearest = vectors.first(vector.size());
  double score = cosine_of_units(nearest, vector);
  for (std::size_t at = vector.size(); at < vectors.size(); at += vector.size()) {
    const auto other = vectors.subspan(at, vector.size());
    const double other_score = cosine_of_units(other, vector);
    if (other_score <= score) continue;
    nearest = other;
    score = other_score;
  }
  return {.score = score, .distance = squared_distance(nearest, vector), .chunk = {}};
}

}  // namespace

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::optional<std::vector<Hit>> find_nearest(const StoreReader& store,
                                             std::span<const float> vectors,
                                             const QueryLimits& limits) {
  const auto candidates = find_candidates_of_all(store, vectors, limits);
  if (!candidates) return std::nullopt;
  std::vector<Hit> hits;
  for (const ChunkId chunk : *candidates) {
    if (pending_interrupt() != 0) return std::nullopt;
    Hit hit = hit_of(store, vectors, chunk);
    if (limits.min_score && hit.score < *limits.min_score) continue;
    hit.chunk = store.chunk_of_vector(chunk);
    hits.push_back(std::move(hit));
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return std::tuple(-a.score, std::string_view(a.chunk.document.uri), a.chunk.number) <
           std::tuple(-b.score, std::string_view(b.chunk.document.uri), b.chunk.number);
  });
  if (hits.size() > limits.k) hits.resize(limits.k);
  return hits;
}

std::vector<TokenizedText> tokenize_questions(const Embedder& embedder,
                                              std::span<const Question> questions,
                                              Overflow overflow) {
  std::vector<std::string_view> texts;
  for (const Question& question : questions) texts.push_back(question.text);
  auto tokenized =
      embedder.tokenize(texts, embedder.model().manifest().query, long_text(overflow));
  for (std::size_t i = 0; i < tokenized.size(); ++i) {
    if (const auto why = refusal(tokenized[i], overflow, embedder.model())) {
      throw Error(ErrorKind::k_usage, std::string(questions[i].name) + ": " + *why +
                                          "; shorten it, or let --on-overflow be warn or mean");
    }
  }
  return tokenized;
}

std::optional<std::vector<float>> encode_questions(Embedder& embedder,
                                                   std::span<const TokenizedText> questions) {
  return embedder.encode(questions, embedder.model().manifest().query, VectorLength::k_unit);
}

std::optional<Answer> answer_query(const StoreReader& store, Embedder& embedder,
                                   std::string_view text, const QueryLimits& limits) {
  const std::array questions{Question{text, limits.name}};
  const auto tokenized = tokenize_questions(embedder, questions, limits.overflow);
  const auto vector = encode_questions(embedder, tokenized);
  if (!vector) return std::nullopt;
  auto hits = find_nearest(store, *vector, limits);
  if (!hits) return std::nullopt;
  return Answer{.hits = std::move(*hits),
                .tokens = tokenized.front().tokens,
                .truncated = tokenized.front().truncated};
}

}  // namespace vecdb
