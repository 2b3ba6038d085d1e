#include "pipeline/nearest_documents.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "pipeline/query.h"

namespace vecdb {

namespace {

// Chunks asked for at first, for each document: mostly enough where documents have several.
constexpr std::size_t k_chunks_a_document = 4;

// The first chunk of each document: the nearest one, since hits come best first.
std::vector<RankedDocument> documents_of(const std::vector<Hit>& hits,
                                         const std::string& left_out) {
  std::vector<RankedDocument> documents;
  std::unordered_set<std::string_view> seen;
  for (const Hit& hit : hits) {
    const std::string& uri = hit.chunk.document.uri;
    if (uri == left_out || !seen.insert(uri).second) continue;
    documents.push_back({uri, hit.score});
  }
  return documents;
}

}  // namespace

std::optional<std::vector<RankedDocument>> nearest_documents(const StoreReader& store,
                                                             std::span<const float> vector,
                                                             const DocumentLimits& limits) {
  QueryLimits chunks;
  chunks.k = k_chunks_a_document * limits.k;
  chunks.effort = limits.effort;
  for (;; chunks.k *= 4) {
    const auto hits = find_nearest(store, vector, chunks);
    if (!hits) return std::nullopt;
    std::vector<RankedDocument> documents = documents_of(*hits, limits.left_out);
    // A document that was not seen yet has no chunk above the last hit: it takes no part when that
    // is below the k-th document.
    const bool is_all = hits->size() < chunks.k;
    const bool is_settled =
        documents.size() >= limits.k && hits->back().score < documents[limits.k - 1].score;
    if (!is_all && !is_settled) continue;
    std::ranges::sort(documents, [](const RankedDocument& a, const RankedDocument& b) {
      return std::tie(a.score, a.uri) > std::tie(b.score, b.uri);
    });
    if (documents.size() > limits.k) documents.resize(limits.k);
    return documents;
  }
}

}  // namespace vecdb
