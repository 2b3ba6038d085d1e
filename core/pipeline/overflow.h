#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
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
// `part` makes each of a chunk and of the bytes of its text. Nothing when it cannot be divided.
using MakePart = std::function<Chunk(const Chunk& chunk, std::size_t begin, std::size_t end)>;
std::optional<std::vector<ChunkRecord>> divide_chunk(const Embedder& embedder, const Chunk& chunk,
                                                     const MakePart& part);

// A part of a chunk whose document is not at hand. Range and line are exact where the range is as
// long as the text, which then is taken for the source's own bytes; else they are the chunk's.
Chunk part_by_length(const Chunk& chunk, std::size_t begin, std::size_t end);

// Whether the embedder would cut the text.
bool is_too_long(const Embedder& embedder, std::string_view text);

// Whether a text that was stored with this fit would be treated the same way again.
bool is_as_asked(WindowFit stored, Overflow overflow);
bool is_as_asked(const FitCounts& stored, Overflow overflow);

}  // namespace vecdb
