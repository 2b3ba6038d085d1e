// Input: a byte of options, a byte of window, a text with its length, then a vocab.txt.
#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "model/tokenizer/wordpiece_tokenizer.h"
#include "model/tokenizer/wordpiece_vocabulary.h"
#include "tokenizer_check.h"

using namespace vecdb;
using fuzz::require;

namespace {

// The vocabulary as its header describes it, without hashes.
class PlainVocabulary {
 public:
  explicit PlainVocabulary(std::string_view file) {
    for (TokenId id = 0; !file.empty(); ++id) {
      const std::size_t newline = file.find('\n');
      std::string_view line = file.substr(0, newline);
      if (newline != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
      m_ids.emplace(line, id);
      file.remove_prefix(newline == std::string_view::npos ? file.size() : newline + 1);
    }
  }

  const std::map<std::string, TokenId, std::less<>>& ids() const { return m_ids; }

  WordPieceVocabulary::Match longest_match(std::string_view rest, const std::string& prefix) const {
    for (std::size_t length = rest.size(); length > 0; --length) {
      const auto found = m_ids.find(prefix + std::string(rest.substr(0, length)));
      if (found != m_ids.end()) return {found->second, length};
    }
    return {};
  }

 private:
  std::map<std::string, TokenId, std::less<>> m_ids;
};

void check_matches(const WordPieceVocabulary& vocabulary, const PlainVocabulary& plain,
                   std::string_view word) {
  using Place = WordPieceVocabulary::Place;
  for (const Place place : {Place::k_first, Place::k_further}) {
    const auto match = vocabulary.longest_match(word, place);
    const auto expected = plain.longest_match(word, place == Place::k_first ? "" : "##");
    require(match.has_value() == (expected.length > 0), "a match was missed or made up");
    require(!match || (match->id == expected.id && match->length == expected.length),
            "a match is not the longest one");
  }
}

void check_vocabulary(std::string_view file, std::string_view text) {
  const WordPieceVocabulary vocabulary(file, "vocab.txt");
  const PlainVocabulary plain(file);
  require(vocabulary.size() == plain.ids().size(), "the vocabulary has another size");
  for (const auto& [token, id] : plain.ids()) {
    require(vocabulary.find(token) == id, "a token has another id");
  }
  constexpr std::size_t k_max_words = 16;
  for (std::size_t count = 0; count < k_max_words && !text.empty(); ++count) {
    const std::string_view word =
        fuzz::well_formed(text.substr(0, WordPieceVocabulary::k_max_word_bytes));
    check_matches(vocabulary, plain, word);
    do text.remove_prefix(1);
    while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const unsigned bits = parts.byte();
  const WordPieceOptions options{
      .letter_case = (bits & 1U) != 0 ? LetterCase::k_keep : LetterCase::k_lower,
      .accents = (bits & 2U) != 0 ? Accents::k_keep : Accents::k_strip,
      .chinese_characters =
          (bits & 4U) != 0 ? ChineseCharacters::k_keep : ChineseCharacters::k_split};
  const std::size_t window = 2 + parts.byte();
  const auto text_bytes = parts.part();
  const std::string_view text = fuzz::well_formed(fuzz::view(text_bytes));
  const auto file = parts.rest();
  const auto tokenizer = fuzz::unless_refused(ErrorKind::k_model, [&] {
    return make_wordpiece_tokenizer(fuzz::view(file), "vocab.txt", options);
  });
  if (!tokenizer) return 0;
  check_vocabulary(fuzz::view(file), text);
  fuzz::check_tokenizer(**tokenizer, text, window);
  return 0;
}
