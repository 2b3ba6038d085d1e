#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>

// How good a ranking of documents is by the judgements of people, as trec_eval
// (https://github.com/usnistgov/trec_eval) and with it BEIR measure it.
namespace vecdb {

// One query's: the relevance of a document. What is missing counts as 0, and so does less than 0.
using Judgements = std::unordered_map<std::string, int>;

struct RetrievalMeasures {
  // Sum over the first k ranks of relevance / log2(rank + 1), divided by that of the best order of
  // all judged documents (Järvelin and Kekäläinen, 2002; ndcg_cut).
  double ndcg = 0;
  double recall = 0;           // share of the relevant documents among the first k
  double reciprocal_rank = 0;  // 1 / rank of the first relevant one among the first k, else 0

  RetrievalMeasures& operator+=(const RetrievalMeasures& other) noexcept;
  RetrievalMeasures& operator/=(double count) noexcept;
};

// Of the first `k` of `ranked`, best first, each document once. Judged documents count whether they
// could have been found or not. Where none is relevant everything is 0.
RetrievalMeasures measure(std::span<const std::string> ranked, const Judgements& judgements,
                          std::size_t k);

}  // namespace vecdb
