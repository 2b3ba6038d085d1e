#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/tokenizer/subword_model.h"

namespace vecdb {

// What a word is made of before anything is merged.
enum class BpeAlphabet { k_bytes, k_characters };

// A model of byte-pair encoding (Sennrich et al. 2016).
struct BpeParts {
  struct Symbol {
    std::uint32_t value = 0;  // a byte, or a code point
    TokenId id = 0;
  };
  struct Merge {
    TokenId left = 0;
    TokenId right = 0;
    TokenId merged = 0;
  };

  BpeAlphabet alphabet = BpeAlphabet::k_bytes;
  std::vector<Symbol> symbols;
  std::vector<Merge> merges;       // the most urgent first
  std::optional<TokenId> unknown;  // of a symbol that is not there; without it such symbols vanish
  bool fuse_unknown = false;       // once for a run of unknown symbols
};

// The model as Hugging Face's `tokenizers` runs it, without dropout: of all pairs of neighbours
// that a merge names, the most urgent is merged, the leftmost of equal ones, until none is left.
// Takes O(n log n) for a word of n symbols. Of two symbols with one value, and of two merges of one
// pair, the first counts.
class BpeModel final : public SubwordModel {
 public:
  explicit BpeModel(const BpeParts& parts);
  void add_word(std::string_view word, IdCollector& ids) const override;

 private:
  // A slot of a hash table from pairs to merges: open addressing, a power of two, at most half
  // full.
  struct Slot {
    TokenId left = k_free;
    TokenId right = k_free;
    TokenId merged = k_free;
    std::uint32_t rank = 0;
  };
  static constexpr TokenId k_free = -1;
  class Word;

  std::size_t slot_of(TokenId left, TokenId right) const;
  const Slot* find_merge(TokenId left, TokenId right) const;
  void add_symbols(std::string_view text, std::vector<TokenId>& symbols) const;

  BpeAlphabet m_alphabet;
  std::optional<TokenId> m_unknown;
  bool m_fuse_unknown;
  std::vector<TokenId> m_symbols;  // by value; k_free where there is none
  std::vector<Slot> m_slots;
};

}  // namespace vecdb
