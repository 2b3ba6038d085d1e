#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/subword_model.h"

namespace vecdb {

// A unigram model (Kudo 2018): pieces and the logarithms of their probabilities.
struct UnigramParts {
  std::string texts;                // of the pieces, one after the other, in the order of their ids
  std::vector<std::uint32_t> ends;  // where each one ends in `texts`
  std::vector<double> scores;
  TokenId unknown = 0;
};

// The model as Hugging Face's `tokenizers` runs it: of all ways to cut a word into pieces the one
// with the highest sum of scores, in 64-bit floats from left to right; the first found of equal
// ones. A character that is no piece has the lowest score of all pieces less 10, and a run of them
// is one unknown token. Time is linear in a word's length times that of the longest piece. The
// texts must be UTF-8 without an empty one or one that stands twice.
class UnigramModel final : public SubwordModel {
 public:
  explicit UnigramModel(UnigramParts parts);
  void add_word(std::string_view word, IdCollector& ids) const override;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    TokenId id = k_free;
  };
  // The best way to reach a byte of a word.
  struct Node {
    double score = 0;
    TokenId id = k_free;
    std::size_t start = 0;
  };
  static constexpr TokenId k_free = -1;

  std::string_view piece(TokenId id) const;
  TokenId find(std::uint64_t hash, std::string_view text) const;
  void extend(std::string_view word, std::size_t start, std::vector<Node>& nodes) const;

  UnigramParts m_parts;
  std::vector<Slot> m_slots;  // open addressing, a power of two, at most a quarter full
  std::size_t m_longest = 0;  // bytes of the longest piece
  double m_unknown_score = 0;
};

}  // namespace vecdb
