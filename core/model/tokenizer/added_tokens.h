#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer/tokenizer.h"

namespace vecdb {

// A token that is recognised in a text before the text is cut into words, as `tokenizers` calls it.
struct AddedToken {
  std::string content;
  TokenId id = 0;
  bool takes_space_before = false;  // "lstrip": white space in front of it belongs to it
  bool in_normalized = false;       // looked for after normalisation, in what that leaves
};

// Finds added tokens in a text: the leftmost, and of several at one place the longest. Immutable.
class AddedTokens {
 public:
  // The contents must not be empty and no two the same.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  struct Match {
    std::size_t start = 0;  // bytes of the text, half-open
    std::size_t end = 0;
    TokenId id = 0;
  };
  // The first one in the text from byte `from` on.
  std::optional<Match> find(std::string_view text, std::size_t from) const;

  // Calls on_stretch(text) for what lies between the tokens, if anything does, and on_token(id).
  template <typename OnStretch, typename OnToken>
  void split(std::string_view text, OnStretch on_stretch, OnToken on_token) const {
    std::size_t at = 0;
    while (const auto match = find(text, at)) {
      if (match->start > at) on_stretch(text.substr(at, match->start - at));
      on_token(match->id);
      at = match->end;
    }
    if (at < text.size()) on_stretch(text.substr(at));
  }

 private:
  std::vector<AddedToken> m_tokens;  // longest first
  std::array<bool, 256> m_starts{};  // the bytes that one begins with
};

}  // namespace vecdb
