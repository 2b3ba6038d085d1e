#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/tokenizer.h"

namespace vecdb {

// The lines of a vocab.txt, found again by hash. A token that starts with "##" continues a word.
// Immutable after construction.
class WordPieceVocabulary {
 public:
  static constexpr std::size_t k_max_word_characters = 100;
  static constexpr std::size_t k_max_word_bytes = 4 * k_max_word_characters;

  // Throws k_model, see make_wordpiece_tokenizer.
  WordPieceVocabulary(std::string_view file, const std::string& name);

  std::size_t size() const noexcept { return m_tokens.size(); }
  std::optional<TokenId> find(std::string_view token) const;

  struct Match {
    TokenId id = 0;
    std::size_t length = 0;  // bytes of the word
  };
  // The longest token that `rest` starts with: a first piece of a word, or, without its "##", a
  // further one. `rest` is at most k_max_word_bytes long.
  enum class Place { k_first, k_further };
  std::optional<Match> longest_match(std::string_view rest, Place place) const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    TokenId id = k_free;
  };
  // Bytes of one token in m_text.
  struct Range {
    std::size_t start = 0;
    std::size_t length = 0;
  };
  static constexpr TokenId k_free = -1;

  void read_lines(const std::string& name);
  void fill_slots(const std::string& name);
  std::string_view token(TokenId id) const;
  TokenId lookup(std::uint64_t hash, std::string_view prefix, std::string_view piece) const;

  std::string m_text;
  std::vector<Range> m_tokens;
  std::vector<Slot> m_slots;  // open addressing, a power of two, at most half full
  std::size_t m_longest = 0;  // bytes of the longest token
};

}  // namespace vecdb
