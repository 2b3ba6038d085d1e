#include "search/retrieval_measures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace vecdb {

namespace {

// What a document of this relevance adds at a rank, from 1.
double discounted(int relevance, std::size_t rank) {
  return relevance / std::log2(static_cast<double>(rank) + 1);
}

}  // namespace

RetrievalMeasures& RetrievalMeasures::operator+=(const RetrievalMeasures& other) noexcept {
  ndcg += other.ndcg;
  recall += other.recall;
  reciprocal_rank += other.reciprocal_rank;
  return *this;
}

RetrievalMeasures& RetrievalMeasures::operator/=(double count) noexcept {
  ndcg /= count;
  recall /= count;
  reciprocal_rank /= count;
  return *this;
}

RetrievalMeasures measure(std::span<const std::string> ranked, const Judgements& judgements,
                          std::size_t k) {
  std::vector<int> relevant;
  for (const auto& [document, relevance] : judgements) {
    if (relevance > 0) relevant.push_back(relevance);
  }
  if (relevant.empty()) return {};
  std::ranges::sort(relevant, std::greater());
  double ideal = 0;
  for (std::size_t i = 0; i < std::min(k, relevant.size()); ++i) {
    ideal += discounted(relevant[i], i + 1);
  }

  RetrievalMeasures measures;
  std::size_t found = 0;
  for (std::size_t i = 0; i < std::min(k, ranked.size()); ++i) {
    const auto judged = judgements.find(ranked[i]);
    if (judged == judgements.end() || judged->second <= 0) continue;
    if (++found == 1) measures.reciprocal_rank = 1 / static_cast<double>(i + 1);
    measures.ndcg += discounted(judged->second, i + 1);
  }
  measures.ndcg /= ideal;
  measures.recall = static_cast<double>(found) / static_cast<double>(relevant.size());
  return measures;
}

}  // namespace vecdb
