#include "pipeline/query_session.h"

#include <cassert>
#include <utility>

#include "base/error.h"

namespace vecdb {

namespace {

class OwningQuerySession final : public QuerySession {
 public:
  OwningQuerySession(const std::filesystem::path& store, const ModelChoice& choice,
                     const QueryOptions& options)
      : m_store(store, choice.threads),
        m_embedder(embedder_for(choice, options)),
        m_session(m_store, m_embedder ? &*m_embedder : nullptr, options) {}

  const QueryFacts& facts() const override { return m_session.facts(); }
  std::optional<Answer> answer(const std::string& text, const std::string& name) override {
    return m_session.answer(text, name);
  }
  std::optional<StoredText> find(const StoredName& name) override { return m_session.find(name); }
  std::optional<Answer> similar(const StoredText& text) override { return m_session.similar(text); }
  std::optional<Answer> nearest(std::span<const float> vectors) override {
    return m_session.nearest(vectors);
  }

 private:
  // A model or precision that is asked for is compared with the store's in any case.
  std::optional<Embedder> embedder_for(const ModelChoice& choice, const QueryOptions& options) {
    const bool is_asked_for = choice.model || choice.precision;
    if (options.questions == Questions::k_vectors && !is_asked_for) return std::nullopt;
    return embedder_for_store(m_store.settings(), choice);
  }

  StoreReader m_store;
  std::optional<Embedder> m_embedder;
  LocalQuerySession m_session;
};

}  // namespace

LocalQuerySession::LocalQuerySession(const StoreReader& store, Embedder* embedder,
                                     QueryOptions options)
    : m_store(store), m_embedder(embedder), m_options(std::move(options)) {
  m_facts.dimension = store.settings().dimension;
  if (embedder != nullptr) m_facts.window = embedder->model().manifest().window;
  if (!m_options.filter) return;
  Selection selection = select_chunks(store, *m_options.filter);
  m_among = std::move(selection.chunks);
  m_facts.unknown_keys = std::move(selection.unknown_keys);
  m_facts.nothing_passes = m_among.empty();
}

QueryLimits LocalQuerySession::limits(const ChunkRanges* among) const {
  return {.k = m_options.k,
          .min_score = m_options.min_score,
          .among = among,
          .effort = m_options.effort,
          .overflow = m_options.overflow};
}

std::optional<Answer> LocalQuerySession::answer(const std::string& text, const std::string& name) {
  assert(m_embedder != nullptr);
  QueryLimits limits = this->limits(among());
  limits.name = name;
  return answer_query(m_store, *m_embedder, text, limits);
}

std::optional<StoredText> LocalQuerySession::find(const StoredName& name) {
  return find_stored(m_store, name);
}

std::optional<Answer> LocalQuerySession::similar(const StoredText& text) {
  const ChunkRange asked = chunks_of(m_store, text);
  std::vector<float> vectors;
  for (ChunkId chunk = asked.first; chunk < asked.end; ++chunk) {
    const std::vector<float> vector = m_store.vector_of(chunk);
    vectors.insert(vectors.end(), vector.begin(), vector.end());
  }
  const ChunkRanges others = chunks_without(among(), asked);
  auto hits = find_nearest(m_store, vectors, limits(&others));
  if (!hits) return std::nullopt;
  return Answer{.hits = std::move(*hits)};
}

std::optional<Answer> LocalQuerySession::nearest(std::span<const float> vectors) {
  if (vectors.size() % m_facts.dimension != 0) {
    throw Error(ErrorKind::k_usage, "vectors: are not of the store's dimension");
  }
  auto hits = find_nearest(m_store, vectors, limits(among()));
  if (!hits) return std::nullopt;
  return Answer{.hits = std::move(*hits)};
}

std::unique_ptr<QuerySession> open_local_session(const std::filesystem::path& store,
                                                 const ModelChoice& choice,
                                                 const QueryOptions& options) {
  return std::make_unique<OwningQuerySession>(store, choice, options);
}

}  // namespace vecdb
