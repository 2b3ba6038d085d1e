#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/embedder.h"
#include "store/store.h"

// Texts that are longer than the model's window, and what the user wants to become of them.
namespace vecdb {

enum class Overflow {
  k_error,  // refused
  k_warn,   // cut on the right, and reported
  k_split,  // a chunk only: replaced by consecutive parts that fit, each a chunk of its own
  k_mean,   // read in parts; the vector is the mean of theirs (see Embedder::encode)
};

// How the embedder has to take texts: k_average for k_mean, else k_cut.
LongText long_text(Overflow overflow);

// Why a text cannot be encoded as asked ("has 300 tokens, …"), or nothing when it can.
std::optional<std::string> refusal(const TokenizedText& text, Overflow overflow,
                                   const Model& model);

// Tokenizes the chunks of one document, in passing counts their tokens and notes how each fits. A
// chunk that does not fit and is to be split becomes consecutive chunks whose texts together are
// its own; their byte ranges are exact where its text is the source's own bytes, else each has the
// range and line of the whole chunk. Returns why the document is refused, or nothing; then
// `texts` has one text more for each of `chunks`.
std::optional<std::string> tokenize_chunks(const Embedder& embedder, Overflow overflow,
                                           std::vector<ChunkRecord>& chunks,
                                           std::vector<TokenizedText>& texts);

// Whether long chunks that were stored with these fits would be treated the same way again.
bool is_as_asked(const FitCounts& stored, Overflow overflow);

}  // namespace vecdb
