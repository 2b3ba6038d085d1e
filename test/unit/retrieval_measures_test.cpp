#include "search/retrieval_measures.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace vecdb;

namespace {

const std::vector<std::string> k_ranked{"a", "b", "c", "d"};

}  // namespace

TEST_CASE("a perfect order has 1 of everything") {
  const RetrievalMeasures best = measure(k_ranked, {{"a", 3}, {"b", 2}, {"c", 1}}, 10);
  CHECK(best.ndcg == Approx(1));
  CHECK(best.recall == 1);
  CHECK(best.reciprocal_rank == 1);
}

TEST_CASE("gains are the judgements themselves, discounted by the logarithm of the rank") {
  // Found: 1 at rank 2 and 3 at rank 4; best: 3, 1.
  const RetrievalMeasures some = measure(k_ranked, {{"b", 1}, {"d", 3}, {"a", 0}}, 10);
  CHECK(some.ndcg == Approx((1 / 1.5849625 + 3 / 2.3219281) / (3 + 1 / 1.5849625)));
  CHECK(some.recall == 1);
  CHECK(some.reciprocal_rank == 0.5);
}

TEST_CASE("only the first k count, of the ideal order too") {
  const Judgements judgements{{"b", 1}, {"c", 2}, {"d", 1}};
  const RetrievalMeasures two = measure(k_ranked, judgements, 2);
  CHECK(two.ndcg == Approx((1 / 1.5849625) / (2 + 1 / 1.5849625)));
  CHECK(two.recall == Approx(1.0 / 3));
  CHECK(two.reciprocal_rank == 0.5);
  const RetrievalMeasures one = measure(k_ranked, judgements, 1);
  CHECK(one.ndcg == 0);
  CHECK(one.recall == 0);
  CHECK(one.reciprocal_rank == 0);
}

TEST_CASE("relevant documents that are nowhere count as not found") {
  const RetrievalMeasures half = measure(k_ranked, {{"a", 1}, {"elsewhere", 1}}, 10);
  CHECK(half.ndcg == Approx(1 / (1 + 1 / 1.5849625)));
  CHECK(half.recall == 0.5);
  CHECK(half.reciprocal_rank == 1);
}

TEST_CASE("judgements of 0 and less are neither found nor missed") {
  const RetrievalMeasures same = measure(k_ranked, {{"a", -1}, {"b", 1}, {"c", 0}, {"x", -2}}, 10);
  CHECK(same.ndcg == Approx(1 / 1.5849625));
  CHECK(same.recall == 1);
  CHECK(same.reciprocal_rank == 0.5);
}

TEST_CASE("where nothing is relevant or nothing was found, everything is 0") {
  for (const RetrievalMeasures& none :
       {measure(k_ranked, {{"a", 0}, {"b", -1}}, 10), measure(k_ranked, {}, 10),
        measure({}, {{"a", 1}}, 10)}) {
    CHECK(none.ndcg == 0);
    CHECK(none.recall == 0);
    CHECK(none.reciprocal_rank == 0);
  }
}

TEST_CASE("means are sums divided by the number of queries") {
  RetrievalMeasures sum = measure(k_ranked, {{"a", 1}}, 10);
  sum += measure(k_ranked, {{"d", 1}}, 10);
  sum /= 2;
  CHECK(sum.ndcg == Approx((1 + 1 / 2.3219281) / 2));
  CHECK(sum.recall == 1);
  CHECK(sum.reciprocal_rank == Approx(0.625));
}
