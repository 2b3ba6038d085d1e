#include "base/glob.h"

#include <catch2/catch.hpp>

using vecdb::Glob;
using namespace std::string_literals;

namespace {

bool matches(std::string_view glob, std::string_view path) { return Glob(glob).matches(path); }

}  // namespace

TEST_CASE("a glob's star stays in one name") {
  CHECK(matches("*.txt", "a.txt"));
  CHECK(matches("*.txt", ".txt"));
  CHECK_FALSE(matches("*.txt", "a/b.txt"));
  CHECK(matches("a/*/c", "a/b/c"));
  CHECK_FALSE(matches("a/*/c", "a/b/b/c"));
  CHECK_FALSE(matches("a/*/c", "a/c"));
  CHECK(matches("a*b*c", "a1b2b3c"));
  CHECK_FALSE(matches("a*b*c", "a1b2b3"));
  CHECK(matches("", ""));
  CHECK_FALSE(matches("", "a"));
}

TEST_CASE("two stars between slashes stand for any folders") {
  CHECK(matches("**/a", "a"));
  CHECK(matches("**/a", "x/y/a"));
  CHECK_FALSE(matches("**/a", "xa"));
  CHECK(matches("a/**/b", "a/b"));
  CHECK(matches("a/**/b", "a/x/y/b"));
  CHECK_FALSE(matches("a/**/b", "a/xb"));
  CHECK(matches("a/**/**/b", "a/b"));
  CHECK(matches("a/**", "a/x/y"));
  CHECK_FALSE(matches("a/**", "a"));
  CHECK(matches("**", "x/y"));
  CHECK(matches("a/***/b", "a/x/y/b"));
  CHECK_FALSE(matches("?x**/b", "ax/y/b"));
  CHECK(matches("*/**/z", "a/z"));
  CHECK(matches("a**/b", "a1/2/b"));  // as git: what follows the plain "a" is a glob of its own
}

TEST_CASE("a glob's set holds bytes, ranges and classes, never a slash") {
  CHECK(matches("[abc]", "b"));
  CHECK_FALSE(matches("[abc]", "d"));
  CHECK(matches("[a-cx-z]", "y"));
  CHECK_FALSE(matches("[c-a]", "b"));
  CHECK(matches("[!a]", "b"));
  CHECK(matches("[^a]", "b"));
  CHECK_FALSE(matches("[!a]", "a"));
  CHECK(matches("[]a]", "]"));
  CHECK(matches("[a-]", "-"));
  CHECK(matches("[\\]]", "]"));
  CHECK(matches("[a-\\c]", "b"));
  CHECK(matches("[[:digit:][:upper:]]", "Q"));
  CHECK_FALSE(matches("[[:digit:]]", "a"));
  CHECK(matches("[[:x]", ":"));
  CHECK_FALSE(matches("x[!a]y", "x/y"));
  CHECK_FALSE(matches("x?y", "x/y"));
  CHECK(matches("x??y", "x\xC3\xA9y"));  // bytes, as in git
}

TEST_CASE("a glob that git takes and nothing matches is known to be one") {
  for (const char* glob : {"[", "[a", "[]", "[[:nope:]]", "a\\", "[a\\", "[a-", "[[:alpha:"}) {
    CHECK_FALSE(Glob(glob).is_valid());
    CHECK_FALSE(matches(glob, glob));
  }
  CHECK(Glob("a]").is_valid());
}

TEST_CASE("a hostile glob is refused without trying every way") {
  std::string stars;
  for (int i = 0; i < 2000; ++i) stars += "*a";
  CHECK_FALSE(matches(stars + "b", std::string(4000, 'a')));
  CHECK_FALSE(matches(stars + "?b*", std::string(4000, 'a')));
  std::string folders;
  for (int i = 0; i < 500; ++i) folders += "**/a/";
  std::string path;
  for (int i = 0; i < 2000; ++i) path += "a/";
  CHECK_FALSE(matches(folders + "b*", path + "a"));
  CHECK(matches(folders + "*", path + "a"));
}
