#include "text/load/path_patterns.h"

#include <catch2/catch.hpp>

using vecdb::PathKind;
using vecdb::PathPatterns;
using namespace std::string_literals;

namespace {

// What a list of lines says of a file: '+' excluded, '-' negated, '.' nothing.
char verdict(std::string_view lines, std::string_view path, PathKind kind = PathKind::k_file) {
  const auto verdict = PathPatterns::parse(lines).verdict(path, kind);
  return !verdict ? '.' : *verdict ? '+' : '-';
}

}  // namespace

TEST_CASE("a pattern without a slash inside matches names, another whole paths") {
  CHECK(verdict("a", "a") == '+');
  CHECK(verdict("a", "x/a") == '+');
  CHECK(verdict("/a", "x/a") == '.');
  CHECK(verdict("/a", "a") == '+');
  CHECK(verdict("x/a", "x/a") == '+');
  CHECK(verdict("x/a", "y/x/a") == '.');
  CHECK(verdict("**/x/a", "y/x/a") == '+');
}

TEST_CASE("a slash at the end asks for a folder") {
  CHECK(verdict("a/", "a") == '.');
  CHECK(verdict("a/", "a", PathKind::k_folder) == '+');
  CHECK(verdict("a/", "x/a", PathKind::k_folder) == '+');
  CHECK(verdict("/a/", "x/a", PathKind::k_folder) == '.');
}

TEST_CASE("the last pattern that matches decides") {
  CHECK(verdict("*.a\n!x.a\n", "x.a") == '-');
  CHECK(verdict("!x.a\n*.a\n", "x.a") == '+');
  CHECK(verdict("!x.a\n", "y.a") == '.');
}

TEST_CASE("comments, blanks, escapes and line ends are read as git reads them") {
  CHECK(verdict("#a\n\n  \n", "#a") == '.');
  CHECK(verdict("\\#a", "#a") == '+');
  CHECK(verdict("\\!a", "!a") == '+');
  CHECK(verdict("a  \n", "a") == '+');
  CHECK(verdict("a\\ \n", "a ") == '+');
  CHECK(verdict("a\\  \n", "a ") == '+');
  CHECK(verdict("a\t\n", "a") == '.');
  CHECK(verdict(" a\n", " a") == '+');
  CHECK(verdict("a\r\nb\r\n", "a") == '+');
  CHECK(verdict("a\r\nb\r\n", "b") == '+');
  CHECK(verdict("\xEF\xBB\xBF"s + "a", "a") == '+');
  CHECK(verdict("a\0b\n"s, "a") == '+');
  CHECK(verdict("!\n/\n//\n", "a") == '.');
  CHECK(verdict("\xFF*", "\xFFx") == '+');
}

TEST_CASE("a line that can match nothing is told to be none") {
  PathPatterns patterns;
  for (const char* line : {"", " ", "#x", "!", "/", "[a"}) CHECK_FALSE(patterns.add(line));
  CHECK(patterns.empty());
  CHECK(patterns.add("a"));
  CHECK_FALSE(patterns.empty());
}
