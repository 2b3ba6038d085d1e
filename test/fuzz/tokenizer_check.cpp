#include "tokenizer_check.h"

#include <algorithm>
#include <limits>

#include "fuzz.h"

namespace vecdb::fuzz {

void check_tokenizer(const Tokenizer& tokenizer, std::string_view text, std::size_t window) {
  const auto size = static_cast<TokenId>(tokenizer.vocabulary_size());
  const Tokens whole = tokenizer.tokenize(text, std::numeric_limits<std::size_t>::max());
  require(whole.ids.size() == whole.full_length && !whole.truncated(), "a whole text was cut");
  require(std::ranges::all_of(whole.ids, [size](TokenId id) { return id >= 0 && id < size; }),
          "an id is not in the vocabulary");
  require(whole.ids.size() >= 2, "the tokens around a text are missing");

  const Tokens cut = tokenizer.tokenize(text, window);
  require(cut.full_length == whole.full_length, "the length depends on the window");
  require(cut.ids.size() == std::min(window, whole.ids.size()), "the window is not filled");
  require(cut.ids.back() == whole.ids.back(), "the closing token was cut off");
  require(std::equal(cut.ids.begin(), cut.ids.end() - 1, whole.ids.begin()),
          "the text was not cut on the right");
}

}  // namespace vecdb::fuzz
