#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/query.h"
#include "pipeline/selection.h"
#include "pipeline/store_model.h"
#include "pipeline/stored_text.h"

namespace vecdb {

// What a session is asked. Only words need the model.
enum class Questions { k_words, k_vectors };

// What is asked for beside a question itself.
struct QueryOptions {
  std::size_t k = 4;  // at least 1
  std::optional<double> min_score;
  std::optional<Filter> filter;
  SearchEffort effort;
  Overflow overflow = Overflow::k_warn;  // of a long question; not k_split
  Questions questions = Questions::k_words;
};

// What is known before the first question.
struct QueryFacts {
  std::size_t dimension = 0;             // of the store's vectors
  std::size_t window = 0;                // of the model, in tokens; 0 without one
  std::vector<UnknownKey> unknown_keys;  // of the filter
  bool nothing_passes = false;           // the filter
};

// Any number of questions to one generation of a store. Not for use by several threads at once.
// What answers has nothing to give when an interrupt is pending.
class QuerySession {
 public:
  virtual ~QuerySession() = default;
  virtual const QueryFacts& facts() const = 0;

  // A question in words, see answer_query(); `name` is what errors call it. Not where the session
  // was opened for vectors only.
  virtual std::optional<Answer> answer(const std::string& text, const std::string& name) = 0;

  // See find_stored().
  virtual std::optional<StoredText> find(const StoredName& name) = 0;
  // The chunks nearest to a stored text, itself left out: see find_nearest().
  virtual std::optional<Answer> similar(const StoredText& text) = 0;
  // The chunks nearest to vectors of the store's dimension, row-major.
  virtual std::optional<Answer> nearest(std::span<const float> vectors) = 0;

 protected:
  QuerySession() = default;
  QuerySession(const QuerySession&) = default;
  QuerySession& operator=(const QuerySession&) = default;
};

// Answers in this process. The reader and the embedder, which may be shared with others, must
// outlive it.
class LocalQuerySession final : public QuerySession {
 public:
  // `embedder`: for words; may be nullptr where none are asked.
  LocalQuerySession(const StoreReader& store, Embedder* embedder, QueryOptions options);

  const QueryFacts& facts() const override { return m_facts; }
  std::optional<Answer> answer(const std::string& text, const std::string& name) override;
  std::optional<StoredText> find(const StoredName& name) override;
  std::optional<Answer> similar(const StoredText& text) override;
  std::optional<Answer> nearest(std::span<const float> vectors) override;

 private:
  const ChunkRanges* among() const { return m_options.filter ? &m_among : nullptr; }
  QueryLimits limits(const ChunkRanges* among) const;

  const StoreReader& m_store;
  Embedder* m_embedder;
  QueryOptions m_options;
  ChunkRanges m_among;  // what passes the filter, when there is one
  QueryFacts m_facts;
};

// The same with a reader and an embedder of its own.
std::unique_ptr<QuerySession> open_local_session(const std::filesystem::path& store,
                                                 const ModelChoice& choice,
                                                 const QueryOptions& options);

}  // namespace vecdb
