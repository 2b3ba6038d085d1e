#include "model/tokenizer/sentencepiece_model_check.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "model/tokenizer/sentencepiece_tokenizer.h"
#include "sentencepiece_fixture.h"

using namespace vecdb;
using Catch::Matchers::Contains;

namespace {

constexpr std::size_t k_no_limit = std::numeric_limits<std::size_t>::max();

void check_refused(const std::string& model, const std::string& why) {
  try {
    make_sentencepiece_tokenizer(model, "my.model");
    FAIL("was taken; expected: " << why);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_model);
    CHECK_THAT(error.what(), Contains("my.model: not an XLM-RoBERTa SentencePiece model: " + why));
  }
}

std::string mutate(std::string model, std::mt19937& random) {
  const auto below = [&random](std::size_t limit) { return random() % limit; };
  for (auto count = 1 + below(4); count > 0 && !model.empty(); --count) {
    // Half of the changes where the first pieces are, not in the long map of characters.
    const auto at =
        below(2) == 0 ? below(model.size()) : below(std::min<std::size_t>(model.size(), 400));
    switch (below(5)) {
      case 0:
        model[at] = static_cast<char>(below(256));
        break;
      case 1:
        model[at] = static_cast<char>(model[at] ^ 1 << below(8));
        break;
      case 2:
        model.erase(at, 1 + below(20));
        break;
      case 3:
        model.insert(at, 1 + below(20), static_cast<char>(below(256)));
        break;
      default:
        model.resize(at);
        break;
    }
  }
  return model;
}

// Each mutant is refused by name, or works on any text.
void check_mutants(const std::string& model, unsigned seeds) {
  const std::string text = "Aab \u65e5\u672c \ufdfa e\u0301 <mask> " + std::string(2, '\0') +
                           repeat("A", 40) + " the people of America\u3000\U0001f44d";
  std::size_t taken = 0;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::string mutant = mutate(model, random);
    try {
      const auto tokenizer = make_sentencepiece_tokenizer(mutant, "mutant");
      const std::vector<TokenId> ids = tokenizer->tokenize(text, k_no_limit).ids;
      const auto size = static_cast<TokenId>(tokenizer->vocabulary_size());
      CHECK(std::ranges::all_of(ids, [size](TokenId id) { return id >= 0 && id < size; }));
      ++taken;
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::k_model);
      REQUIRE_THAT(error.what(), Contains("mutant: "));
    }
  }
  CHECK(taken > 0);
  CHECK(taken < seeds);
}

}  // namespace

TEST_CASE("a map of characters is checked before it is followed") {
  const std::string end(1, '\0');
  check_refused(with_map("abc"), "the normaliser's map of characters is broken: its size");
  check_refused(with_map(little_endian(4) + "1234" + end), "the normaliser's map");
  check_refused(with_map(little_endian(0) + end), "the normaliser's map");
  check_refused(with_map(charsmap(trie_of_a(0), "b")),
                "the normaliser's map of characters is broken: its last replacement");
  check_refused(with_map(charsmap(trie_of_a(0), "\xFF" + end)),
                "the normaliser's map of characters is broken: a replacement is not UTF-8");
  check_refused(with_map(charsmap(trie_of_a(2), "b" + end)),
                "the normaliser's map of characters is broken: a rule's replacement lies outside");
  check_refused(with_map(charsmap(trie_of_a(1), "\u00e9" + end)),
                "the normaliser's map of characters is broken: a rule's replacement starts inside");
  check_refused(with_map(charsmap(trie_of_a(0), repeat("b", 17) + end)),
                "the normaliser's map of characters is broken: a rule's replacement is too long");
}

TEST_CASE("a trie that leads out of its array or in a circle is refused") {
  const std::string replacement("b\0", 2);
  auto out = trie_of_a(0);
  out[0x40] = 0x3FFU << 10U | 'A';
  check_refused(with_map(charsmap(out, replacement)),
                "the normaliser's map of characters is broken: a rule leads out of the trie");
  out = trie_of_a(0);
  out[0] = 0x200U << 10U;
  check_refused(with_map(charsmap(out, replacement)),
                "the normaliser's map of characters is broken: a rule leads out of the trie");
  auto circle = trie_of_a(0);
  circle[0x40] = 0x41U << 10U | 'A';  // "A", "AA", "AAA", …
  check_refused(with_map(charsmap(circle, replacement)),
                "the normaliser's map of characters is broken: a rule is longer than 32 bytes");
}

TEST_CASE("a SentencePiece model of another kind is refused with what it is") {
  check_refused(k_pieces + bytes(2, number(3, 2)), "its type is BPE, not UNIGRAM");
  check_refused(k_pieces + bytes(2, number(3, 3)), "its type is WORD, not UNIGRAM");
  check_refused(k_pieces + bytes(2, number(3, 4)), "its type is CHAR, not UNIGRAM");
  check_refused(k_pieces + bytes(2, number(3, 77)), "its type is 77, not UNIGRAM");
  check_refused(k_pieces + bytes(2, number(24, 1)), "it puts white space behind words");
  check_refused(k_pieces + bytes(2, number(35, 1)), "it falls back to bytes");
  check_refused(k_pieces + bytes(3, number(3, 0)), "it puts no white space in front");
  check_refused(k_pieces + bytes(3, number(4, 0)), "it keeps runs of white space");
  check_refused(k_pieces + bytes(3, number(5, 0)), "it does not write white space as U+2581");
  CHECK_NOTHROW(make_sentencepiece_tokenizer(k_pieces + bytes(2, number(3, 1)), "m"));
}

TEST_CASE("pieces must be XLM-RoBERTa's special ones and then ordinary ones, each once") {
  check_refused("", "it holds no pieces");
  check_refused(k_first, "it holds no pieces");
  check_refused(piece("a"), "piece 0 is not <unk>");
  check_refused(piece("<unk>", 0, 1), "piece 0 is not <unk>");
  check_refused(piece("<unk>", 0, 2) + piece("</s>", 0, 3), "piece 1 is not <s>");
  check_refused(piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("a"), "piece 2 is not </s>");
  check_refused(k_pieces + piece("a"), "piece 8 stands twice");
  check_refused(k_pieces + piece("<s>"), "piece 8 stands twice");
  check_refused(k_pieces + piece("<mask>"), "piece 8 is <mask>");
  check_refused(k_pieces + piece("<pad>", 0, 3), "piece 8 is <pad>");
  for (const unsigned type : {0U, 2U, 3U, 4U, 6U, 7U}) {
    check_refused(k_pieces + piece("c", 0, type), "piece 8 is of the type " + std::to_string(type));
  }
  check_refused(k_pieces + piece(""), "piece 8 has 0 bytes");
  check_refused(k_pieces + bytes(1, ""), "piece 8 has 0 bytes");
  check_refused(k_pieces + piece("\xC3"), "piece 8 is not UTF-8");
  check_refused(k_pieces + piece(std::string("c\0d", 3)), "piece 8 is not UTF-8 without NUL");
  check_refused(k_pieces + piece("c", std::numeric_limits<float>::infinity()),
                "piece 8 has a score");
  check_refused(k_pieces + piece("c", std::nanf("")), "piece 8 has a score that is not finite");
}

TEST_CASE("a piece is at most as long as the library can stand") {
  CHECK_NOTHROW(make_sentencepiece_tokenizer(k_pieces + piece(repeat("c", 1024)), "m"));
  check_refused(k_pieces + piece(repeat("c", 1025)), "piece 8 has 1025 bytes, not 1 … 1024");
  check_refused(k_pieces + piece(repeat("c", 4'000'000)), "piece 8 has 4000000 bytes");
}

TEST_CASE("what is no protobuf message is refused") {
  check_refused(std::string(1, '\0'), "a field has the number 0");
  check_refused("\x0B", "field 1 has the wire type 3");
  check_refused("\x0A", "it ends inside a field");
  check_refused(
      "\x0A\x05"
      "abc",
      "it ends inside a field");
  check_refused(std::string(12, '\xFF'), "a number in it has more than 64 bits");
  check_refused("\x0A" + std::string(9, '\xFF') + "\x01", "it ends inside a field");
  check_refused(number(1, 5), "field 1 is of another wire type");
  check_refused(k_pieces + bytes(1, bytes(1, "c") + number(2, 1)),
                "field 2 is of another wire type");
  check_refused(k_pieces + bytes(1, bytes(1, "c") + bytes(1, "d")), "field 1 stands twice");
  check_refused(k_pieces + bytes(3, "") + bytes(3, ""), "field 3 stands twice");
  check_refused(k_pieces + bytes(4, "\xFF"), "it cannot be parsed");
  // Fields that have no part in encoding are passed over.
  CHECK_NOTHROW(make_sentencepiece_tokenizer(k_pieces + bytes(4, "") + number(200, 1), "m"));
}

TEST_CASE("a model that was cut short is refused at every length") {
  const std::string model = with_map(charsmap(trie_of_a(0), std::string("b\0", 2)));
  std::size_t taken = 0;
  for (std::size_t length = 0; length < model.size(); ++length) {
    CAPTURE(length);
    try {
      make_sentencepiece_tokenizer(model.substr(0, length), "cut");
      ++taken;  // between two pieces, or before the normaliser
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::k_model);
    }
  }
  CHECK(taken == 5);
}

TEST_CASE("a SentencePiece model with changed bytes is refused or works, and never crashes") {
  check_mutants(with_map(charsmap(trie_of_a(0), std::string("b\0", 2))), 5000);
  check_mutants(read_file(VECDB_TEST_DATA "/sentencepiece.bpe.model", 1 << 20), 100);
}
