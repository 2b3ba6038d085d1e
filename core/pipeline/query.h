#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/embedder.h"
#include "pipeline/overflow.h"
#include "store/store.h"

namespace vecdb {

struct Hit {
  double score = 0;     // cosine of question and passage
  double distance = 0;  // squared Euclidean distance of the unit vectors
  StoredChunk chunk;
};

struct Answer {
  std::vector<Hit> hits;  // best first
  std::size_t tokens = 0;
  bool truncated = false;  // whether the model read less than all of the question
};

struct QueryLimits {
  std::size_t k = 4;  // at least 1
  std::optional<double> min_score;
  const ChunkRanges* among = nullptr;  // the chunks that may be an answer; nullptr: all
  SearchEffort effort;
  Overflow overflow = Overflow::k_warn;  // of a long question; not k_split
  std::string name = "the question";     // in errors
};

// Whether a question has no words: nothing but white space.
bool is_blank(std::string_view text) noexcept;

// The passages nearest to unit vectors of the store's dimension, any number of them, row-major: the
// best k of the store, or of `among`, exactly or as far as `effort` finds them, with the same bits
// whatever was asked before. A passage's score is that with the vector nearest to it. Equal scores
// are in order of uri, then chunk. Nothing when an interrupt is pending.
std::optional<std::vector<Hit>> find_nearest(const StoreReader& store,
                                             std::span<const float> vectors,
                                             const QueryLimits& limits);

// A question in words.
struct Question {
  std::string_view text;
  std::string_view name;  // what errors call it
};

// Questions as the encoder reads them, with the model's own words for questions in front. Throws
// k_usage for one that `overflow`, which is not k_split, refuses.
std::vector<TokenizedText> tokenize_questions(const Embedder& embedder,
                                              std::span<const Question> questions,
                                              Overflow overflow);

// Their vectors, row-major and of unit length. Nothing when an interrupt is pending.
std::optional<std::vector<float>> encode_questions(Embedder& embedder,
                                                   std::span<const TokenizedText> questions);

// Encodes a question and finds its nearest passages. Nothing when an interrupt is pending. Throws
// k_usage for a question that `overflow` refuses.
std::optional<Answer> answer_query(const StoreReader& store, Embedder& embedder,
                                   std::string_view text, const QueryLimits& limits);

}  // namespace vecdb
