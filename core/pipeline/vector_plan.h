#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/embedder.h"
#include "pipeline/overflow.h"
#include "store/store.h"

namespace vecdb {

// Texts and their vectors, made in this run.
class RecentTexts {
 public:
  struct Text {
    std::uint32_t tokens = 0;
    WindowFit fit = WindowFit::k_whole;  // never k_split: that is said of a chunk
    std::size_t number = 0;              // of its vector
  };

  const Text* find(std::string_view text) const;
  std::span<const float> vector_of(const Text& text) const;

 private:
  friend class VectorPlan;
  std::unordered_map<std::string, Text> m_texts;
  std::vector<float> m_vectors;  // row-major
  std::size_t m_dimension = 0;
};

// Where the vectors of a batch's chunks come from: each text is encoded once, and not at all when
// its vector is in the store or was made just before. The same text has the same vector under one
// model and one arithmetic, both of which are fixed for a store; a text over the window is reused
// only where it was treated as it would be now. Which vectors are reused depends on nothing but
// `stored` and `recent`.
class VectorPlan {
 public:
  // `stored` and `recent` may be null.
  VectorPlan(Embedder& embedder, Overflow overflow, const StoreReader* stored,
             const RecentTexts* recent);

  // Plans the chunks of one document: notes their tokens and fits, and puts parts in the place of
  // those that are to be split. Returns why the document is refused, if it is.
  std::optional<std::string> add(NewDocument& document);

  // Fills in the vectors of the documents, which are those that were added and not refused, in that
  // order. False when it was interrupted.
  bool run(std::span<NewDocument> documents);

  std::uint64_t tokens_read() const noexcept { return m_tokens_read; }  // by the encoder
  std::uint64_t reused() const noexcept { return m_reused; }            // chunks
  RecentTexts take_texts() { return std::move(m_made); }                // after run()

 private:
  // Of one chunk: a vector made now, by number, or one that was there.
  struct Origin {
    std::size_t number = 0;
    std::vector<float> vector = {};  // empty: made now
  };

  void plan(ChunkRecord record, std::vector<ChunkRecord>& chunks);
  bool reuse(ChunkRecord& record);
  void encode(ChunkRecord& record, TokenizedText text);

  Embedder& m_embedder;
  Overflow m_overflow;
  const StoreReader* m_stored;
  const RecentTexts* m_recent;
  RecentTexts m_made;
  std::vector<TokenizedText> m_texts;  // to be encoded; their numbers are those of m_made
  std::vector<Origin> m_origins;       // one a chunk
  std::uint64_t m_tokens_read = 0;
  std::uint64_t m_reused = 0;
};

}  // namespace vecdb
