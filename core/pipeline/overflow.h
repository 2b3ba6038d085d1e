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

// Why a text of which not one character fits into the window cannot be divided.
std::string no_room(const Model& model);

// The chunk's text as the encoder reads it; notes its tokens and how it fits.
TokenizedText tokenize_chunk(const Embedder& embedder, Overflow overflow, ChunkRecord& record);

// Consecutive chunks, not tokenized, whose texts together are the chunk's and of which each fits.
// Byte ranges are exact where its text is the source's own bytes, else each part has the range and
// line of the whole. Nothing when it cannot be divided.
std::optional<std::vector<ChunkRecord>> divide_chunk(const Embedder& embedder, const Chunk& chunk);

// Whether a text that was stored with this fit would be treated the same way again.
bool is_as_asked(WindowFit stored, Overflow overflow);
bool is_as_asked(const FitCounts& stored, Overflow overflow);

}  // namespace vecdb
