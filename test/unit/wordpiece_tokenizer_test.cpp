#include "model/tokenizer/wordpiece_tokenizer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

using namespace vecdb;
using Catch::Matchers::Contains;

namespace {

constexpr std::size_t k_no_limit = std::numeric_limits<std::size_t>::max();
const std::string k_special = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";  // ids 0 to 4
constexpr TokenId k_unk = 1;
constexpr TokenId k_cls = 2;
constexpr TokenId k_sep = 3;
constexpr TokenId k_mask = 4;

using Ids = std::vector<TokenId>;

const Tokenizer& minilm() {
  static const auto tokenizer = make_wordpiece_tokenizer(
      read_file(VECDB_TEST_DATA "/minilm_vocab.txt", 1 << 20), "minilm_vocab.txt", {});
  return *tokenizer;
}

// Ids of a text without the [CLS] and [SEP] around it. `tokens` get the ids from 5 on.
Ids ids_of(const std::vector<std::string>& tokens, const std::string& text,
           const WordPieceOptions& options = {}) {
  std::string vocabulary = k_special;
  for (const std::string& token : tokens) vocabulary += token + "\n";
  const auto tokenizer = make_wordpiece_tokenizer(vocabulary, "vocab.txt", options);
  const Ids ids = tokenizer->tokenize(text, k_no_limit).ids;
  REQUIRE(ids.size() >= 2);
  CHECK(ids.front() == k_cls);
  CHECK(ids.back() == k_sep);
  return {ids.begin() + 1, ids.end() - 1};
}

std::string repeat(const std::string& part, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

void check_refused(const std::string& vocabulary, const std::string& why) {
  try {
    make_wordpiece_tokenizer(vocabulary, "my_vocab.txt", {});
    FAIL("was taken: " << vocabulary);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_model);
    CHECK_THAT(error.what(), Contains("my_vocab.txt: ") && Contains(why));
  }
}

}  // namespace

TEST_CASE("ids are those of Hugging Face's tokenizers for every golden text") {
  const Json golden =
      parse_json(read_file(VECDB_TEST_DATA "/wordpiece.json", 1 << 24), "golden", ErrorKind::k_io);
  REQUIRE(golden["cases"].size() >= 300);
  for (const Json& golden_case : golden["cases"]) {
    const auto text = golden_case["text"].get<std::string>();
    CAPTURE(text);
    const Tokens tokens = minilm().tokenize(text, k_no_limit);
    CHECK(tokens.ids == golden_case["ids"].get<Ids>());
    CHECK(tokens.full_length == tokens.ids.size());
  }
}

TEST_CASE("the vocabulary's size is its number of lines") {
  CHECK(minilm().vocabulary_size() == 30522);
  CHECK(make_wordpiece_tokenizer(k_special, "v", {})->vocabulary_size() == 5);
}

TEST_CASE("a text without content is the two tokens around it") {
  for (const std::string text : {"", " ", "\t\r\n", "\u200b", "\u0301"}) {
    CAPTURE(text);
    CHECK(minilm().tokenize(text, 256).ids == Ids{101, 102});
  }
  CHECK(minilm().tokenize(std::string(3, '\0'), 256).ids == Ids{101, 102});
}

TEST_CASE("a window cuts content on the right and keeps the closing token") {
  const std::string text = "unbelievable tokenization [MASK] caf\u00e9!";
  const Ids all = minilm().tokenize(text, k_no_limit).ids;
  REQUIRE(all.size() > 6);
  for (std::size_t window = 2; window < all.size() + 3; ++window) {
    CAPTURE(window);
    const Tokens tokens = minilm().tokenize(text, window);
    Ids expected(all.begin(), all.end() - 1);
    expected.resize(std::min(expected.size(), window - 1));
    expected.push_back(102);
    CHECK(tokens.ids == expected);
    CHECK(tokens.full_length == all.size());
    CHECK(tokens.truncated() == (window < all.size()));
  }
}

TEST_CASE("special tokens are recognised in the text as it is and nowhere else") {
  const std::vector<std::string> tokens = {"a", "b", "[", "]", "cls", "mask"};
  CHECK(ids_of(tokens, "a[CLS]b") == Ids{5, k_cls, 6});
  CHECK(ids_of(tokens, "[SEP][SEP]") == Ids{k_sep, k_sep});
  CHECK(ids_of(tokens, "[[MASK]]") == Ids{7, k_mask, 8});
  CHECK(ids_of(tokens, "[PAD] [UNK]") == Ids{0, k_unk});
  CHECK(ids_of(tokens, "[cls]") == Ids{7, 9, 8});
  CHECK(ids_of(tokens, std::string("[CL\0S]", 7)) == Ids{7, 9, 8});
  CHECK(ids_of(tokens, "[CLS") == Ids{7, 9});
  CHECK(ids_of(tokens, "[MASK\u00ad]") == Ids{7, 10, 8});
}

TEST_CASE("words are cut into the longest pieces from the left, or are unknown as a whole") {
  CHECK(ids_of({"un", "##b", "##ear"}, "unbear") == Ids{5, 6, 7});
  // "unb" is taken, and then nothing starts as "ear" does.
  CHECK(ids_of({"un", "unb", "##b", "##bear"}, "unbear un unb") == Ids{k_unk, 5, 6});
  // A first piece does not continue a word, nor the other way round.
  CHECK(ids_of({"a", "b", "##c"}, "ab c a") == Ids{k_unk, k_unk, 5});
  CHECK(ids_of({"#", "##", "##a", "a"}, "## ##a") == Ids{5, 5, 5, 5, 8});
}

TEST_CASE("a word of more than 100 characters after normalisation is unknown") {
  const std::vector<std::string> tokens = {"x", "##x", "e", "##e", "\u00e9", "##\u00e9"};
  CHECK(ids_of(tokens, repeat("x", 100)).size() == 100);
  CHECK(ids_of(tokens, repeat("x", 101)) == Ids{k_unk});
  CHECK(ids_of(tokens, repeat("e\u0301", 100)).size() == 100);
  const WordPieceOptions keep{.accents = Accents::k_keep};
  CHECK(ids_of(tokens, repeat("\u00e9", 100), keep).size() == 100);
  CHECK(ids_of(tokens, repeat("e\u0301", 51), keep) == Ids{k_unk});
  CHECK(ids_of(tokens, repeat("x", 3'000'000) + " x") == Ids{k_unk, 5});
}

TEST_CASE("a token of the vocabulary that is longer than any word is never found") {
  CHECK(ids_of({"x", "##x", repeat("x", 100), repeat("x", 1000)}, repeat("x", 100)) == Ids{7});
  CHECK(ids_of({repeat("x", 1000)}, repeat("x", 1000)) == Ids{k_unk});
}

TEST_CASE("each option changes what it names and nothing else") {
  // e E é É 日 本 日本 have the ids 5 to 11.
  const std::vector<std::string> tokens = {"e", "E", "\u00e9", "\u00c9", "日", "本", "日本"};
  for (const LetterCase letter_case : {LetterCase::k_lower, LetterCase::k_keep}) {
    for (const Accents accents : {Accents::k_strip, Accents::k_keep}) {
      for (const auto chinese : {ChineseCharacters::k_split, ChineseCharacters::k_keep}) {
        const TokenId letter =
            5 + (letter_case == LetterCase::k_keep ? 1 : 0) + (accents == Accents::k_keep ? 2 : 0);
        const Ids expected =
            chinese == ChineseCharacters::k_split ? Ids{letter, 9, 10} : Ids{letter, 11};
        CHECK(ids_of(tokens, "\u00c9 日本", {letter_case, accents, chinese}) == expected);
      }
    }
  }
}

// Expected values are those of Hugging Face's tokenizers 0.23.
TEST_CASE("characters have the classes that the tokenizer's Unicode versions give them") {
  const std::vector<std::string> tokens = {"a", "##b", "b"};
  const Ids joined{5, 6};
  const Ids apart{5, 7};
  const Ids split{5, k_unk, 7};
  const Ids unknown{k_unk};
  const std::vector<std::pair<std::string, Ids>> cases = {
      {"\u00ad", joined},       // format
      {"\u0085", joined},       // a control, though white space too
      {"\x0b", joined},         // a control, though white space too
      {"\ue000", joined},       // private use
      {"\ufffd", joined},       // dropped by name
      {"\u0301", joined},       // accent
      {"\u1734", joined},       // accent in Unicode 8, a spacing mark today
      {"\u2028", apart},        // white space
      {"\u3000", apart},        // white space
      {"$", split},             // ASCII symbol
      {"\u2014", split},        // punctuation
      {"\u037e", split},        // ';' after decomposition
      {"\u166d", split},        // punctuation in Unicode 8, a symbol today
      {"\U000111c9", split},    // punctuation in Unicode 8, an accent today
      {"\U0002b920", split},    // Chinese
      {"\U0002b820", unknown},  // Chinese, but outside the tokenizer's block
      {"\u2e43", unknown},      // punctuation since Unicode 9
      {"\u08e2", unknown},      // format since Unicode 9
      {"\u0afa", unknown},      // accent since Unicode 10
      {"\U00011938", unknown},  // decomposes since Unicode 13
      {"\u20ac", unknown},      // symbol
  };
  for (const auto& [character, expected] : cases) {
    CAPTURE(character);
    CHECK(ids_of(tokens, "a" + character + "b") == expected);
  }
}

TEST_CASE("lower case looks at one character alone") {
  const WordPieceOptions keep{.accents = Accents::k_keep};
  CHECK(ids_of({"i\u0307"}, "\u0130", keep) == Ids{5});
  CHECK(ids_of({"i"}, "\u0130") == Ids{5});
  CHECK(ids_of({"\u03b1\u03c3", "\u03b1\u03c2"}, "\u0391\u03a3 \u03b1\u03c2") == Ids{5, 6});
  CHECK(ids_of({"\u00df"}, "\u1e9e") == Ids{5});
}

TEST_CASE("marks that stay are put in canonical order, whatever their number") {
  // U+1D165 and U+1D16D are spacing marks of class 216 and 226.
  const std::string ordered = "\U0001d165\U0001d16d";
  const std::string reversed = "\U0001d16d\U0001d165";
  CHECK(ids_of({"a" + ordered}, "a" + reversed) == Ids{5});
  CHECK(ids_of({"a" + ordered}, "a\U0001d16d\u0301\u200b\x01\U0001d165") == Ids{5});
  CHECK(ids_of({"a" + reversed}, "a" + reversed, {.accents = Accents::k_keep}) == Ids{5});
  CHECK(ids_of({"a", "\U0001d16d", "\U0001d165", "##\U0001d165"},
               "\U0001d16d[MASK]\U0001d165\u0020a") == Ids{6, k_mask, 7, 5});
  CHECK(ids_of({"a"}, repeat(reversed, 50'000) + " a") == Ids{k_unk, 5});
  CHECK(ids_of({"a"}, "a" + repeat("\u0301\u0316", 50'000)) == Ids{5});
}

TEST_CASE("a vocabulary's lines may end with CR LF, the last one with nothing") {
  const auto tokenizer = make_wordpiece_tokenizer(
      "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nword", "vocab.txt", {});
  CHECK(tokenizer->vocabulary_size() == 6);
  CHECK(tokenizer->tokenize("word", 8).ids == Ids{k_cls, 5, k_sep});
}

TEST_CASE("a vocabulary that is not one is refused with the reason") {
  check_refused("", "lacks [PAD]");
  for (const std::string token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    std::string lacking = k_special;
    lacking.replace(lacking.find(token), token.size(), "other");
    check_refused(lacking, "lacks " + token);
  }
  check_refused(k_special + "a\nb\na\n", "the token \"a\" stands twice");
  check_refused(k_special + "a\n\nb\n", "line 7 is empty");
  check_refused(k_special + "a\n\r\nb\n", "line 7 is empty");
  check_refused(k_special + "\n", "line 6 is empty");
  check_refused(k_special + "caf\xe9\n", "byte 34 is not UTF-8");
  check_refused(std::string("\xff\xfe[\0P\0", 6), "byte 0 is not UTF-8");
}
