#include "pipeline/query_session.h"

#include <utility>

namespace vecdb {

namespace {

class OwningQuerySession final : public QuerySession {
 public:
  OwningQuerySession(const std::filesystem::path& store, const ModelChoice& choice,
                     const QueryOptions& options)
      : m_store(store, choice.threads),
        m_embedder(embedder_for_store(m_store.settings(), choice)),
        m_session(m_store, m_embedder, options) {}

  const QueryFacts& facts() const override { return m_session.facts(); }
  std::optional<Answer> answer(const std::string& text, const std::string& name) override {
    return m_session.answer(text, name);
  }

 private:
  StoreReader m_store;
  Embedder m_embedder;
  LocalQuerySession m_session;
};

}  // namespace

LocalQuerySession::LocalQuerySession(const StoreReader& store, Embedder& embedder,
                                     QueryOptions options)
    : m_store(store), m_embedder(embedder), m_options(std::move(options)) {
  m_facts.window = embedder.model().manifest().window;
  if (!m_options.filter) return;
  Selection selection = select_chunks(store, *m_options.filter);
  m_among = std::move(selection.chunks);
  m_facts.unknown_keys = std::move(selection.unknown_keys);
  m_facts.nothing_passes = m_among.empty();
}

std::optional<Answer> LocalQuerySession::answer(const std::string& text, const std::string& name) {
  return answer_query(m_store, m_embedder, text,
                      {.k = m_options.k,
                       .min_score = m_options.min_score,
                       .among = m_options.filter ? &m_among : nullptr,
                       .effort = m_options.effort,
                       .overflow = m_options.overflow,
                       .name = name});
}

std::unique_ptr<QuerySession> open_local_session(const std::filesystem::path& store,
                                                 const ModelChoice& choice,
                                                 const QueryOptions& options) {
  return std::make_unique<OwningQuerySession>(store, choice, options);
}

}  // namespace vecdb
