#include "model/tokenizer/text_division.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/utf8.h"

using vecdb::divide_text;

namespace {

using Parts = std::vector<std::string_view>;

// Fits where it has at most so many code points.
auto at_most(std::size_t characters) {
  return
      [characters](std::string_view text) { return vecdb::count_code_points(text) <= characters; };
}

// Fits where it has at most so many words.
auto words(std::size_t most) {
  return [most](std::string_view text) {
    std::size_t count = 0;
    bool inside = false;
    for (const char byte : text) {
      count += byte != ' ' && !inside ? 1 : 0;
      inside = byte != ' ';
    }
    return count <= most;
  };
}

void check_parts(std::string_view text, const Parts& parts, std::size_t characters) {
  std::string joined;
  for (const std::string_view part : parts) {
    REQUIRE(!part.empty());
    REQUIRE_FALSE(vecdb::find_invalid_utf8(part));
    REQUIRE(vecdb::count_code_points(part) <= characters);
    joined += part;
  }
  CHECK(joined == text);
}

}  // namespace

TEST_CASE("a text that fits is one part, and an empty one is none") {
  CHECK(*divide_text("one two", at_most(7)) == Parts{"one two"});
  CHECK(divide_text("", at_most(0))->empty());
}

TEST_CASE("parts end behind white space, as late as fits") {
  CHECK(*divide_text("one two three four", at_most(9)) == Parts{"one two ", "three ", "four"});
  CHECK(*divide_text("one  two\n\tthree", at_most(7)) == Parts{"one  ", "two\n\t", "three"});
  CHECK(*divide_text("a b c d e", words(2)) == Parts{"a b ", "c d ", "e"});
  CHECK(*divide_text("一二　三四", at_most(4)) == Parts{"一二　", "三四"});
}

TEST_CASE("white space in front is no part of its own") {
  CHECK(*divide_text("   abcdef", at_most(5)) == Parts{"   ab", "cdef"});
}

TEST_CASE("a word that is too long is cut between graphemes, and never inside a character") {
  CHECK(*divide_text("abcdefgh", at_most(3)) == Parts{"abc", "def", "gh"});
  // e + combining acute, thrice; a family of three joined by U+200D; a flag of two letters
  CHECK(*divide_text("ééé", at_most(3)) == Parts{"é", "é", "é"});
  CHECK(*divide_text("ab👩‍👩‍👧", at_most(6)) == Parts{"ab", "👩‍👩‍👧"});
  CHECK(*divide_text("a🇩🇪", at_most(2)) == Parts{"a", "🇩🇪"});
}

TEST_CASE("a grapheme that is too long is cut between code points") {
  std::string marks = "e";
  for (int i = 0; i < 1000; ++i) marks += "́";
  check_parts(marks, *divide_text(marks, at_most(10)), 10);
}

TEST_CASE("what cannot be divided is told") {
  CHECK_FALSE(divide_text("abc", at_most(0)));
  CHECK_FALSE(divide_text("abc 一", [](std::string_view text) { return text.size() < 3; }));
}

TEST_CASE("a megabyte without white space is divided in the smallest parts") {
  const std::string word(1 << 20, 'x');
  CHECK(divide_text(word, at_most(1))->size() == word.size());
}

TEST_CASE("parts fit also where a longer text does and a shorter does not") {
  // As a word of over 100 letters is one unknown token.
  const auto fits = [](std::string_view text) { return text.size() > 100 || text.size() <= 8; };
  const std::string text = std::string(40, 'a') + " " + std::string(150, 'b');
  std::string joined;
  const auto parts = divide_text(text, fits);
  for (const std::string_view part : *parts) {
    CHECK(fits(part));
    joined += part;
  }
  CHECK(joined == text);
}
