#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace vecdb {

using TokenId = std::int32_t;

// The tokens of one text, special tokens included, cut to a model's window.
struct Tokens {
  std::vector<TokenId> ids;
  std::size_t full_length = 0;  // number of ids before the cut

  bool truncated() const noexcept { return ids.size() < full_length; }
};

// Turns text into the ids that an encoder was trained on. Immutable, safe to share by threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // `text` must be well-formed UTF-8; it may be empty. At most `window` ids, the special tokens
  // among them: content is cut on the right, the closing special token stays. `window` must leave
  // room for the special tokens.
  virtual Tokens tokenize(std::string_view text, std::size_t window) const = 0;

  // Number of ids: every id is in [0, vocabulary_size()).
  virtual std::size_t vocabulary_size() const noexcept = 0;

 protected:
  Tokenizer() = default;
  Tokenizer(const Tokenizer&) = default;
  Tokenizer& operator=(const Tokenizer&) = default;
};

}  // namespace vecdb
