#include "pipeline/query.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/error.h"
#include "search/ranking.h"

namespace vecdb {

namespace {

// Rows asked of the index beyond k, so that one pass nearly always settles the border.
constexpr std::size_t k_margin = 16;

struct Candidate {
  ChunkId chunk = 0;
  double score = 0;
};

// The rows that can stand among the best k: all whose exact score reaches the k-th best.
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

}  // namespace

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::vector<Hit> find_nearest(const StoreReader& store, std::span<const float> vector,
                              const QueryLimits& limits) {
  std::vector<Hit> hits;
  for (const Candidate& candidate : find_candidates(store, vector, limits)) {
    if (limits.min_score && candidate.score < *limits.min_score) continue;
    hits.push_back({.score = candidate.score,
                    .distance = squared_distance(vector, store.vector_of(candidate.chunk)),
                    .chunk = store.chunk_of_vector(candidate.chunk)});
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return std::tuple(-a.score, std::string_view(a.chunk.document.uri), a.chunk.number) <
           std::tuple(-b.score, std::string_view(b.chunk.document.uri), b.chunk.number);
  });
  if (hits.size() > limits.k) hits.resize(limits.k);
  return hits;
}

std::optional<Answer> answer_query(const StoreReader& store, Embedder& embedder,
                                   std::string_view text, const QueryLimits& limits) {
  const std::array texts{text};
  const Prompt& prompt = embedder.model().manifest().query;
  const auto tokenized = embedder.tokenize(texts, prompt, long_text(limits.overflow));
  const TokenizedText& question = tokenized.front();
  if (const auto why = refusal(question, limits.overflow, embedder.model())) {
    throw Error(ErrorKind::k_usage,
                limits.name + ": " + *why + "; shorten it, or let --on-overflow be warn or mean");
  }
  const auto vector = embedder.encode(tokenized, prompt, VectorLength::k_unit);
  if (!vector) return std::nullopt;
  return Answer{.hits = find_nearest(store, *vector, limits),
                .tokens = question.tokens,
                .truncated = question.truncated};
}

}  // namespace vecdb
