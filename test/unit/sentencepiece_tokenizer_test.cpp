#include "model/tokenizer/sentencepiece_tokenizer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "model/model_manifest.h"
#include "sentencepiece_fixture.h"

using namespace vecdb;

namespace {

constexpr std::size_t k_no_limit = std::numeric_limits<std::size_t>::max();
constexpr TokenId k_mask = 1201;  // of the trained model

using Ids = std::vector<TokenId>;

const std::string& trained_model() {
  static const std::string model = read_file(VECDB_TEST_DATA "/sentencepiece.bpe.model", 1 << 20);
  return model;
}

const Tokenizer& trained() {
  static const auto tokenizer = make_sentencepiece_tokenizer(trained_model(), "trained");
  return *tokenizer;
}

Ids ids_of(const Tokenizer& tokenizer, std::string_view text) {
  const Tokens tokens = tokenizer.tokenize(text, k_no_limit);
  REQUIRE(tokens.ids.size() >= 2);
  CHECK(tokens.full_length == tokens.ids.size());
  CHECK(tokens.ids.front() == 0);
  CHECK(tokens.ids.back() == 2);
  return {tokens.ids.begin() + 1, tokens.ids.end() - 1};
}

}  // namespace

TEST_CASE("ids are those of XLM-RoBERTa's Python tokenizer for every golden text") {
  const Json golden = parse_json(read_file(VECDB_TEST_DATA "/sentencepiece.json", 1 << 24),
                                 "golden", ErrorKind::k_io);
  REQUIRE(golden["cases"].size() >= 300);
  for (const Json& golden_case : golden["cases"]) {
    const auto text = golden_case["text"].get<std::string>();
    CAPTURE(text);
    CHECK(trained().tokenize(text, k_no_limit).ids == golden_case["ids"].get<Ids>());
  }
}

TEST_CASE("XLM-RoBERTa's ids: pieces move by one, <pad> and <mask> are added") {
  CHECK(trained().vocabulary_size() == 1202);
  const auto tokenizer = make_sentencepiece_tokenizer(k_pieces, "m");
  CHECK(tokenizer->vocabulary_size() == 10);
  CHECK(ids_of(*tokenizer, "a") == Ids{7});
  CHECK(ids_of(*tokenizer, "bab  a\u2581a") == Ids{4, 8, 7, 7});
  CHECK(ids_of(*tokenizer, "<mask>") == Ids{9});
  CHECK(ids_of(*tokenizer, "") == Ids{});
}

TEST_CASE("the map of characters is applied before words are cut into pieces") {
  const auto tokenizer = make_sentencepiece_tokenizer(
      with_map(charsmap(trie_of_a(2), std::string("x\0bab\0", 6))), "m");
  CHECK(ids_of(*tokenizer, "Aa") == Ids{4, 8, 5});
}

TEST_CASE("a run of unknown characters is one <unk>") {
  const auto tokenizer = make_sentencepiece_tokenizer(k_pieces, "m");
  CHECK(ids_of(*tokenizer, "xyz") == Ids{4, 3});
  CHECK(ids_of(*tokenizer, "axya x") == Ids{7, 3, 5, 4, 3});
}

TEST_CASE("special tokens are recognised in the text as it is, <mask> with the space before it") {
  const auto tokenizer = make_sentencepiece_tokenizer(k_pieces, "m");
  CHECK(ids_of(*tokenizer, "a<s>a") == Ids{7, 0, 7});
  CHECK(ids_of(*tokenizer, "<pad></s><unk>") == Ids{1, 2, 3});
  CHECK(ids_of(*tokenizer, "<<s>") == Ids{4, 3, 0});
  CHECK(ids_of(*tokenizer, "<s") == Ids{4, 3});
  // Without a map of characters a tab is an unknown one.
  CHECK(ids_of(*tokenizer, "a \t\u3000<mask>") == Ids{7, 9});
  CHECK(ids_of(*tokenizer, "a\t<s>") == Ids{7, 3, 0});
  CHECK(ids_of(*tokenizer, "\t <mask>\t") == Ids{9, 4, 3});
  // U+FF1C becomes '<' only when the text is normalised.
  CHECK(std::ranges::count(ids_of(trained(), "\uff1cmask>"), k_mask) == 0);
}

TEST_CASE("a window cuts XLM-RoBERTa's ids on the right and keeps the closing token") {
  const std::string text = "The people of Ukraine, \u6f22 <mask> caf\u00e9!";
  const Ids all = trained().tokenize(text, k_no_limit).ids;
  REQUIRE(all.size() > 8);
  for (std::size_t window = 2; window < all.size() + 3; ++window) {
    CAPTURE(window);
    const Tokens tokens = trained().tokenize(text, window);
    Ids expected(all.begin(), all.end() - 1);
    expected.resize(std::min(expected.size(), window - 1));
    expected.push_back(2);
    CHECK(tokens.ids == expected);
    CHECK(tokens.full_length == all.size());
  }
}

TEST_CASE("a text of a megabyte without a space takes a linear time") {
  // With the library's own merging of unknown pieces this would take minutes.
  const Ids unknown = ids_of(trained(), repeat("\u9f98", 350'000));
  CHECK(std::ranges::count(unknown, 3) == 5);  // one in each part of 256 KiB
  CHECK(ids_of(trained(), repeat("x", 1 << 20)).size() >= 1 << 20);
  CHECK(ids_of(trained(), repeat("<", 1 << 20)).size() >= 4);
}

TEST_CASE("a text that is taken in parts has the ids of its words") {
  const Ids once = ids_of(trained(), "the American people");
  Ids expected;
  for (int i = 0; i < 30'000; ++i) expected.insert(expected.end(), once.begin(), once.end());
  CHECK(ids_of(trained(), repeat("the American people ", 30'000)) == expected);
}

TEST_CASE("an unused piece has an id that no text gets") {
  const auto tokenizer = make_sentencepiece_tokenizer(k_pieces + piece("aaa", 0, 5), "m");
  CHECK(ids_of(*tokenizer, "aaa") == Ids{7, 5, 5});
  CHECK(ids_of(*tokenizer, "<mask>") == Ids{10});
}

TEST_CASE("a fingerprint tells the kinds of tokenizers apart and stays what it was for WordPiece") {
  ModelManifest manifest;
  manifest.encoder.architecture = "bert";
  manifest.encoder.hidden_size = 384;
  manifest.encoder.layer_norm_eps = 1e-12;
  manifest.window = 256;
  manifest.pooling = "mean";
  manifest.normalize = true;
  manifest.query.prefix = "query: ";
  manifest.passage.prefix = "passage: ";
  manifest.tokenizer.file = "vocab";
  manifest.files = {{"vocab", std::string(64, 'a')}, {k_weights_file, std::string(64, 'b')}};
  CHECK(fingerprint_of(manifest) ==
        "7ffa715fdc8a4459e794075d1f22e4a0e134584614f800ba20a73feada2890ef");
  manifest.tokenizer.kind = TokenizerKind::k_sentencepiece;
  const std::string fingerprint = fingerprint_of(manifest);
  CHECK(fingerprint != "7ffa715fdc8a4459e794075d1f22e4a0e134584614f800ba20a73feada2890ef");
  manifest.tokenizer.wordpiece.letter_case = LetterCase::k_keep;  // means nothing here
  CHECK(fingerprint_of(manifest) == fingerprint);
}
