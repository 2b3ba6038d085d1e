#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/query.h"
#include "pipeline/selection.h"
#include "pipeline/store_model.h"

namespace vecdb {

// What is asked for beside a question's words.
struct QueryOptions {
  std::size_t k = 4;  // at least 1
  std::optional<double> min_score;
  std::optional<Filter> filter;
  SearchEffort effort;
  Overflow overflow = Overflow::k_warn;  // of a long question; not k_split
};

// What is known before the first question.
struct QueryFacts {
  std::size_t window = 0;                // of the model, in tokens
  std::vector<UnknownKey> unknown_keys;  // of the filter
  bool nothing_passes = false;           // the filter
};

// Any number of questions to one generation of a store. Not for use by several threads at once.
class QuerySession {
 public:
  virtual ~QuerySession() = default;
  virtual const QueryFacts& facts() const = 0;
  // See answer_query(); `name` is what errors call the question.
  virtual std::optional<Answer> answer(const std::string& text, const std::string& name) = 0;

 protected:
  QuerySession() = default;
  QuerySession(const QuerySession&) = default;
  QuerySession& operator=(const QuerySession&) = default;
};

// Answers in this process. The reader and the embedder, which may be shared with others, must
// outlive it.
class LocalQuerySession final : public QuerySession {
 public:
  LocalQuerySession(const StoreReader& store, Embedder& embedder, QueryOptions options);

  const QueryFacts& facts() const override { return m_facts; }
  std::optional<Answer> answer(const std::string& text, const std::string& name) override;

 private:
  const StoreReader& m_store;
  Embedder& m_embedder;
  QueryOptions m_options;
  ChunkRanges m_among;  // what passes the filter, when there is one
  QueryFacts m_facts;
};

// The same with a reader and an embedder of its own.
std::unique_ptr<QuerySession> open_local_session(const std::filesystem::path& store,
                                                 const ModelChoice& choice,
                                                 const QueryOptions& options);

}  // namespace vecdb
