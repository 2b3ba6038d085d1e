#include "model/tokenizer/subword_tokenizer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "base/error.h"
#include "model/tokenizer/canonical_composition.h"
#include "model/tokenizer/subword_file.h"
#include "sentencepiece_fixture.h"

using namespace vecdb;
using Catch::Matchers::Contains;

namespace {

using Ids = std::vector<TokenId>;
constexpr std::size_t k_no_limit = std::numeric_limits<std::size_t>::max();
constexpr TokenId k_opening = 0;
constexpr TokenId k_closing = 1;
constexpr TokenId k_unknown = 2;

// Characters a b c d with the ids 3 to 6, ab 7, bc 8, abc 9, aa 10; "bc" is merged before "ab".
SubwordParts bpe() {
  BpeParts model;
  model.alphabet = BpeAlphabet::k_characters;
  model.symbols = {{'a', 3}, {'b', 4}, {'c', 5}, {'d', 6}};
  model.merges = {{4, 5, 8}, {3, 4, 7}, {7, 5, 9}, {3, 8, 9}, {3, 3, 10}};
  model.unknown = k_unknown;
  SubwordParts parts;
  parts.tokens = 11;
  parts.opening = k_opening;
  parts.closing = k_closing;
  parts.words.split = WordSplit::k_white_space;
  parts.model = model;
  return parts;
}

SubwordParts unigram() {
  UnigramParts model;
  for (const auto& [piece, score] : std::vector<std::pair<std::string, double>>{
           {"<s>", 0}, {"</s>", 0}, {"<unk>", 0}, {"\u2581", -2}, {"x", -3}, {"xx", -5}}) {
    model.texts += piece;
    model.ends.push_back(static_cast<std::uint32_t>(model.texts.size()));
    model.scores.push_back(score);
  }
  model.unknown = k_unknown;
  SubwordParts parts;
  parts.tokens = 6;
  parts.opening = k_opening;
  parts.closing = k_closing;
  parts.normalizer.charsmap = charsmap(trie_of_a(0), std::string("x\0", 2));
  parts.words.form = WordForm::k_metaspace;
  parts.model = model;
  return parts;
}

std::unique_ptr<Tokenizer> make(const SubwordParts& parts) {
  return make_subword_tokenizer(write_subword_file(parts), "my.vecdb");
}

Ids ids_of(const SubwordParts& parts, std::string_view text) {
  const Ids ids = make(parts)->tokenize(text, k_no_limit).ids;
  REQUIRE(ids.size() >= 2);
  CHECK(ids.front() == k_opening);
  CHECK(ids.back() == k_closing);
  return {ids.begin() + 1, ids.end() - 1};
}

BpeParts& bpe_of(SubwordParts& parts) { return std::get<BpeParts>(parts.model); }
UnigramParts& unigram_of(SubwordParts& parts) { return std::get<UnigramParts>(parts.model); }

void check_refused(const std::string& file, const std::string& why) {
  try {
    make_subword_tokenizer(file, "my.vecdb");
    FAIL_CHECK("was taken; expected: " << why);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_model);
    CHECK_THAT(error.what(), Contains("my.vecdb") && Contains(why));
  }
}

template <typename Change>
void check_refused(SubwordParts parts, Change change, const std::string& why) {
  change(parts);
  check_refused(write_subword_file(parts), why);
}

std::vector<std::string> gpt2_words(std::string_view text) {
  std::vector<std::string> words;
  split_words(text, {.form = WordForm::k_byte_level},
              [&words](std::string_view word) { words.emplace_back(word); });
  return words;
}

}  // namespace

TEST_CASE("the most urgent merge comes first, the leftmost of equal ones, until none is left") {
  CHECK(ids_of(bpe(), "abc") == Ids{9});
  CHECK(ids_of(bpe(), "ab") == Ids{7});
  CHECK(ids_of(bpe(), "abab bcb") == Ids{7, 7, 8, 4});
  CHECK(ids_of(bpe(), "aaa") == Ids{10, 3});
  CHECK(ids_of(bpe(), "aab") == Ids{3, 7});
  CHECK(ids_of(bpe(), "d") == Ids{6});
  CHECK(ids_of(bpe(), "") == Ids{});
  CHECK(ids_of(bpe(), " \t\u3000 ") == Ids{});
}

TEST_CASE("an unknown symbol is one unknown token, or a run of them is, or it is lost") {
  SubwordParts parts = bpe();
  CHECK(ids_of(parts, "axyb") == Ids{3, k_unknown, k_unknown, 4});
  bpe_of(parts).fuse_unknown = true;
  CHECK(ids_of(parts, "axyb\U0001f44d") == Ids{3, k_unknown, 4, k_unknown});
  bpe_of(parts).unknown.reset();
  CHECK(ids_of(parts, "axb") == Ids{7});
}

TEST_CASE("GPT-2's pattern cuts words as `tokenizers` does") {
  using Words = std::vector<std::string>;
  CHECK(gpt2_words("I'm  they'll 'S x's") ==
        Words{"I", "'m", " ", " they", "'ll", " '", "S", " x", "'s"});
  CHECK(gpt2_words("a1 b\u00b2 3,4") == Words{"a", "1", " b", "\u00b2", " 3", ",", "4"});
  CHECK(gpt2_words("a\n\n b") == Words{"a", "\n\n", " b"});
  CHECK(gpt2_words("a \nb") == Words{"a", " ", "\n", "b"});
  CHECK(gpt2_words("a\u00a0b \t ") == Words{"a", "\u00a0", "b", " \t "});
  CHECK(gpt2_words("''s!") == Words{"''", "s", "!"});
  CHECK(gpt2_words(" ") == Words{" "});
  CHECK(gpt2_words("").empty());
}

TEST_CASE(
    "the best sum of scores wins, the first found of equal ones; unknown runs are one token") {
  CHECK(ids_of(unigram(), "x") == Ids{3, 4});
  CHECK(ids_of(unigram(), "xx") == Ids{3, 5});
  CHECK(ids_of(unigram(), "xxx") == Ids{3, 4, 5});
  CHECK(ids_of(unigram(), "?!x \u6f22") == Ids{3, k_unknown, 4, 3, k_unknown});
  CHECK(ids_of(unigram(), "A A") == Ids{3, 4, 3, 4});
  CHECK(ids_of(unigram(), "x ") == Ids{3, 4, 3});
  CHECK(ids_of(unigram(), "") == Ids{});
}

TEST_CASE(
    "added tokens are found in the text as it is, or after normalisation, the longest first") {
  SubwordParts parts = bpe();
  parts.normalizer.letter_case = LetterCase::k_lower;
  parts.added = {{"AB", 0, false, false}, {"ABC", 1, true, false}, {"Da", 2, false, true}};
  CHECK(ids_of(parts, "abABCa") == Ids{7, 1, 3});
  CHECK(ids_of(parts, "a \u3000ABC AB") == Ids{3, 1, 0});
  CHECK(ids_of(parts, "dDA") == Ids{6, 2});
  CHECK(ids_of(parts, "ABABCABC") == Ids{0, 1, 1});
}

TEST_CASE("NFC composes what Unicode 9 composes, in the canonical order of marks") {
  CHECK(compose_canonically("e\u0301") == "\u00e9");
  CHECK(compose_canonically("a\u0301\u0323") == "\u1ea1\u0301");
  CHECK(compose_canonically("\u1112\u1161\u11ab") == "\ud55c");
  CHECK(compose_canonically("\u212b") == "\u00c5");
  CHECK(compose_canonically("\u0301e") == "\u0301e");
  CHECK(compose_canonically("\u0958") == "\u0915\u093c");  // excluded from composition
  CHECK(compose_canonically("plain\n") == "plain\n");
  // By insertion this would take minutes.
  CHECK(compose_canonically(repeat("\u0301\u0323", 200'000)).size() == 800'000);
}

TEST_CASE("a window cuts a subword tokenizer's ids on the right and keeps the closing token") {
  const auto tokenizer = make(bpe());
  const std::string text = "abc d a bcd aab";
  const Ids all = tokenizer->tokenize(text, k_no_limit).ids;
  for (std::size_t window = 2; window < all.size() + 3; ++window) {
    CAPTURE(window);
    const Tokens tokens = tokenizer->tokenize(text, window);
    Ids expected(all.begin(), all.end() - 1);
    expected.resize(std::min(expected.size(), window - 1));
    expected.push_back(k_closing);
    CHECK(tokens.ids == expected);
    CHECK(tokens.full_length == all.size());
  }
}

TEST_CASE("a word of a megabyte does not take quadratic time") {
  // Quadratic algorithms take hours here.
  const std::size_t count = 1 << 20;
  CHECK(ids_of(bpe(), std::string(count, 'a')).size() == count / 2);
  CHECK(ids_of(bpe(), repeat("abc", count / 3)).size() == count / 3);
  CHECK(ids_of(bpe(), repeat("\u6f22", count / 3)).size() == count / 3);
  CHECK(ids_of(unigram(), std::string(count, 'x')).size() == 1 + count / 2);
  CHECK(ids_of(unigram(), "x" + repeat("\u0301", count / 2)) == Ids{3, 4, k_unknown});
  CHECK(ids_of(unigram(), repeat("\U0001F1EB", count / 4)) == Ids{3, k_unknown});
}

TEST_CASE("a subword tokenizer's file that is cut short anywhere is refused") {
  for (const SubwordParts& parts : {bpe(), unigram()}) {
    const std::string file = write_subword_file(parts);
    CHECK_NOTHROW(make_subword_tokenizer(file, "m"));
    for (std::size_t length = 0; length < file.size(); ++length) {
      CAPTURE(length);
      check_refused(file.substr(0, length), "");
    }
    check_refused(file + "x", "it goes on behind its last section");
  }
  check_refused("vecdb tokenizer 2\n", "it does not begin as one");
}

TEST_CASE("a subword tokenizer's file with a part out of range is refused by its name") {
  using Parts = SubwordParts;
  check_refused(
      bpe(), [](Parts& p) { p.tokens = 0; }, "tokens is 0");
  check_refused(
      bpe(), [](Parts& p) { p.opening = 11; }, "opening is 11");
  check_refused(
      bpe(), [](Parts& p) { p.closing = -1; }, "closing is not a whole number");
  check_refused(
      bpe(),
      [](Parts& p) {
        p.added = {{"x", 11, false, false}};
      },
      "added: id is 11");
  check_refused(
      bpe(),
      [](Parts& p) {
        p.added = {{"", 1, false, false}};
      },
      "added: content is empty");
  check_refused(
      bpe(), [](Parts& p) { bpe_of(p).symbols[0].id = 11; }, "a symbol is out of range");
  check_refused(
      bpe(), [](Parts& p) { bpe_of(p).symbols[0].value = 0x110000; }, "a symbol is out of range");
  check_refused(
      bpe(), [](Parts& p) { bpe_of(p).merges[0].merged = -1; }, "a merge is out of range");
  check_refused(
      bpe(), [](Parts& p) { bpe_of(p).unknown = 11; }, "unknown is 11");
  check_refused(
      unigram(), [](Parts& p) { p.normalizer.charsmap = "abc"; }, "map of characters");
  check_refused(
      unigram(), [](Parts& p) { unigram_of(p).scores.pop_back(); }, "a score for each");
  check_refused(
      unigram(), [](Parts& p) { unigram_of(p).scores[0] = std::nan(""); }, "a score is not finite");
  check_refused(
      unigram(), [](Parts& p) { unigram_of(p).ends[0] = 0; }, "a piece is empty");
  check_refused(
      unigram(), [](Parts& p) { unigram_of(p).ends[3] = 13; }, "a piece is empty");
  check_refused(
      unigram(), [](Parts& p) { unigram_of(p).ends[0] = 99; }, "a piece is empty");
  check_refused(
      unigram(), [](Parts& p) { unigram_of(p).texts[0] = '\xFF'; }, "are not UTF-8");
  check_refused(
      unigram(), [](Parts& p) { unigram_of(p).texts += "x"; }, "are not UTF-8");
}

TEST_CASE("a subword tokenizer's file with changed bytes is refused or works, and never crashes") {
  const std::string text = "Aab xx \u6f22 \u0301 <s>" + std::string(2, '\0') + "abcabc";
  for (const SubwordParts& parts : {bpe(), unigram()}) {
    const std::string file = write_subword_file(parts);
    std::mt19937 random(1);
    for (int round = 0; round < 5000; ++round) {
      std::string mutant = file;
      for (auto count = 1 + random() % 3; count > 0; --count) {
        mutant[random() % mutant.size()] = static_cast<char>(random() % 256);
      }
      try {
        const auto tokenizer = make_subword_tokenizer(mutant, "mutant");
        const auto size = static_cast<TokenId>(tokenizer->vocabulary_size());
        const Ids ids = tokenizer->tokenize(text, k_no_limit).ids;
        CHECK(std::ranges::all_of(ids, [size](TokenId id) { return id >= 0 && id < size; }));
      } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::k_model);
        REQUIRE_THAT(error.what(), Contains("mutant"));
      }
    }
  }
}

TEST_CASE("base 64 is read to the last bit or not at all") {
  CHECK(decode_base64("") == "");
  CHECK(decode_base64("Zg==") == "f");
  CHECK(decode_base64("Zm8=") == "fo");
  CHECK(decode_base64("Zm9v+/8=") == "foo\xfb\xff");
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "=Zg=", "Zm9v\n", "Zm-_", "===="}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text).has_value());
  }
}
