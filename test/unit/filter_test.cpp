#include "search/filter.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using vecdb::DocumentFacts;
using vecdb::Error;
using vecdb::ErrorKind;
using vecdb::Filter;
using vecdb::parse_filter;
using namespace std::string_literals;

namespace {

constexpr std::int64_t k_new_year_2026 = 1'767'225'600'000'000'000;  // date -d 2026-01-01Z +%s

const DocumentFacts k_guide{"/home/you/docs/a/guide.md", "markdown", "00ff", 2048, k_new_year_2026};

bool passes(std::string_view filter, std::string_view meta = "{}", std::string_view chunk = {}) {
  return parse_filter(filter, "--filter").matches(k_guide, meta, chunk);
}

std::string error_of(std::string_view filter) {
  try {
    parse_filter(filter, "--filter");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_usage);
    return error.what();
  }
  return "no error";
}

std::string text_of(std::string_view filter) { return parse_filter(filter, "--filter").text(); }

}  // namespace

TEST_CASE("a filter compares the facts of a document") {
  CHECK(passes("path = '/home/you/docs/a/guide.md'"));
  CHECK(passes("uri = /home/you/docs/a/guide.md"));
  CHECK(passes("name = guide.md"));
  CHECK(passes("type = markdown"));
  CHECK(passes("sha256 = 00ff"));
  CHECK(passes("size = 2048 and size = 2K and size = 2k"));
  CHECK_FALSE(passes("name = 'docs'"));
  CHECK_FALSE(passes("type = Markdown"));
  CHECK(passes("size > 1K and size < 1M and size >= 2048 and size <= 2048.0"));
  CHECK_FALSE(passes("size > 2K"));
  CHECK(passes("type != pdf"));
  CHECK(passes("type in (pdf, markdown)"));
  CHECK(passes("type not in (pdf, html)"));
  CHECK(passes("type > html and type < pdf"));
}

TEST_CASE("a word is text where a fact is text") {
  CHECK(parse_filter("name = 2026-01-01", "").matches({"/a/2026-01-01", "", "", 0, 0}, ""));
  CHECK(parse_filter("name = 42", "").matches({"42", "", "", 0, 0}, ""));
  CHECK(parse_filter("name = true", "").matches({"true", "", "", 0, 0}, ""));
}

TEST_CASE("a path's glob without a slash in front matches at any depth") {
  CHECK(passes("path ~ \"docs/**\""));
  CHECK(passes("path ~ docs/**"));
  CHECK(passes("path ~ *.md"));
  CHECK(passes("path ~ guide.md"));
  CHECK(passes("path ~ /home/**/*.md"));
  CHECK(passes("path ~ a/*.md"));
  CHECK_FALSE(passes("path ~ /docs/**"));
  CHECK_FALSE(passes("path ~ docs/*.md"));
  CHECK_FALSE(passes("path ~ ocs/**"));
  CHECK(passes("path !~ *.txt"));
  CHECK(passes("name ~ g*.md"));
  CHECK_FALSE(passes("name ~ a/g*.md"));
  CHECK(parse_filter("path ~ 'https://x.y/**'", "").matches({"https://x.y/a", "", "", 0, 0}, ""));
}

TEST_CASE("a time of modification is compared to the nanosecond") {
  CHECK(passes("mtime = 2026-01-01"));
  CHECK(passes("mtime = '2026-01-01 00:00'"));
  CHECK(passes("mtime = 2026-01-01T01:30:00.000+01:30"));
  CHECK(passes("mtime < 2026-01-01T00:00:00.000000001Z"));
  CHECK(passes("mtime > 2025-12-31T23:59:59.999999999Z"));
  CHECK(passes("mtime_ns = 1767225600000000000"));
  CHECK(passes("mtime_ns < 1767225600000000001"));
  CHECK(passes("mtime exists"));
  const DocumentFacts early{"a", "", "", 0, -1};
  CHECK(parse_filter("mtime = 1969-12-31T23:59:59.999999999Z", "").matches(early, ""));
}

TEST_CASE("a document without a time of modification is in no order with a date") {
  const DocumentFacts facts{"-", "text", "", 1, 0};
  CHECK_FALSE(parse_filter("mtime < 2026-01-01", "").matches(facts, ""));
  CHECK_FALSE(parse_filter("mtime exists", "").matches(facts, ""));
  CHECK_FALSE(parse_filter("mtime_ns < 1", "").matches(facts, ""));
  CHECK(parse_filter("not mtime < 2026-01-01", "").matches(facts, ""));
}

TEST_CASE("every other field is a key of the metadata") {
  CHECK(passes("lang = en", R"({"lang":"en"})"));
  CHECK(passes("lang=en", R"({"lang":"en"})"));
  CHECK_FALSE(passes("lang = en", R"({"lang":"EN"})"));
  CHECK(passes("author.name = \"A B\"", R"({"author":{"name":"A B"}})"));
  CHECK(passes("\"author.name\" = x", R"({"author.name":"x"})"));
  CHECK(passes("a.\"b c\".d = x", R"({"a":{"b c":{"d":"x"}}})"));
  CHECK(passes("\"not\" = 1 and \"\" = 2", R"({"not":1,"":2})"));
  CHECK(passes("meta.size = 3", R"({"size":3})"));
  CHECK(passes("meta.meta.x = 3", R"({"meta":{"x":3}})"));
  CHECK(passes("meta = 3", R"({"meta":3})"));
  CHECK(passes("größe = 3", R"({"größe":3})"));
  CHECK_FALSE(passes("author = x", R"({"author":{"x":"x"}})"));
}

TEST_CASE("of an array any element counts") {
  CHECK(passes("tags = b", R"({"tags":["a","b"]})"));
  CHECK_FALSE(passes("tags != b", R"({"tags":["a","b"]})"));
  CHECK(passes("tags != c", R"({"tags":["a","b"]})"));
  CHECK(passes("authors.name ~ \"B*\"", R"({"authors":[{"name":"A"},{"name":"Bo"}]})"));
  CHECK(passes("a = 3", R"({"a":[1,[2,3]]})"));
  CHECK(passes("tags exists", R"({"tags":[]})"));
  CHECK_FALSE(passes("tags = b", R"({"tags":[]})"));
  CHECK(passes("n > 2 and n < 2", R"({"n":[1,3]})"));
}

TEST_CASE("a key that is not there makes every comparison false, and its negation true") {
  for (const char* filter :
       {"x = 1", "x < 1", "x >= 1", "x in (1, a)", "x ~ \"**\"", "x exists", "x = null"}) {
    CHECK_FALSE(passes(filter));
    CHECK(passes("not "s + filter));
  }
  CHECK(passes("x != 1 and x !~ a and x not in (1)"));
  CHECK_FALSE(passes("x != 1 and x exists"));
}

TEST_CASE("a word takes a string for what it spells, a quoted value is text alone") {
  CHECK(passes("year = 2024", R"({"year":2024})"));
  CHECK(passes("year = 2024", R"({"year":"2024"})"));
  CHECK(passes("year > 999", R"({"year":"2024"})"));
  CHECK_FALSE(passes("year = '2024'", R"({"year":2024})"));
  CHECK(passes("year = '2024'", R"({"year":"2024"})"));
  CHECK(passes("zip = 02024", R"({"zip":"02024"})"));
  CHECK_FALSE(passes("zip = 2024", R"({"zip":"02024"})"));
  CHECK(passes("draft = true", R"({"draft":true})"));
  CHECK(passes("draft = true", R"({"draft":"true"})"));
  CHECK(passes("draft != true", R"({"draft":false})"));
  CHECK_FALSE(passes("draft = 'true'", R"({"draft":true})"));
  CHECK(passes("x = null", R"({"x":null})"));
  CHECK_FALSE(passes("x = null", R"({"x":"null"})"));
  CHECK(passes("x exists", R"({"x":null})"));
  CHECK_FALSE(passes("x = 1", R"({"x":true})"));
  CHECK(passes("date > 2026-01-31", R"({"date":"2026-02-01"})"));
  CHECK(passes("date = 2026-01-31T12:00Z", R"({"date":"2026-01-31 13:00:00+01:00"})"));
  CHECK_FALSE(passes("date > 2026-01-31", R"({"date":"soon"})"));
  CHECK_FALSE(passes("date > 2026-01-31", R"({"date":99999999999999999})"));
  CHECK(passes("version = 1.2.3", R"({"version":"1.2.3"})"));
}

TEST_CASE("numbers compare exactly") {
  const std::string_view big = R"({"n":9007199254740993})";  // 2^53 + 1
  CHECK(passes("n = 9007199254740993", big));
  CHECK_FALSE(passes("n = 9007199254740992", big));
  CHECK(passes("n > 9007199254740992.0", big));
  CHECK(passes("n = 18446744073709551615", R"({"n":18446744073709551615})"));
  CHECK(passes("n < 18446744073709551616", R"({"n":18446744073709551615})"));
  CHECK(passes("n = -9223372036854775808", R"({"n":-9223372036854775808})"));
  CHECK(passes("n = 0.1 and n = 1e-1", R"({"n":0.1})"));
  CHECK(passes("n = 0.1", R"({"n":"0.1"})"));
  CHECK(passes("n = 0", R"({"n":-0.0})"));
}

TEST_CASE("a chunk's metadata goes before the document's, key by key") {
  CHECK(passes("page = 3 and lang = en", R"({"lang":"en","page":1})", R"({"page":3})"));
  CHECK_FALSE(passes("page = 1", R"({"page":1})", R"({"page":3})"));
  CHECK_FALSE(passes("a.b = 1", R"({"a":{"b":1}})", R"({"a":{"c":1}})"));
  CHECK(passes("page = 3", "", R"({"page":3})"));
}

TEST_CASE("and binds tighter than or, not tighter than both") {
  CHECK(passes("type = markdown or type = pdf and type = pdf"));
  CHECK_FALSE(passes("(type = markdown or type = pdf) and type = pdf"));
  CHECK_FALSE(passes("not type = markdown and type = pdf or type = pdf"));
  CHECK(passes("NOT type = pdf AND NOT (type = html OR type = csv)"));
  CHECK(passes("not not type = markdown"));
}

TEST_CASE("strings have the escapes of JSON, in either quotes") {
  CHECK(passes(R"(x = "a\"\\\n\u00e9\ud83d\ude00'")", R"({"x":"a\"\\\né😀'"})"));
  CHECK(passes(R"(x = 'a\'"')", R"({"x":"a'\""})"));
  CHECK(passes(R"(x = "\u0000")", R"({"x":"\u0000"})"));
}

TEST_CASE("the facts decide where they can, and metadata is then not read") {
  const Filter filter = parse_filter("type = markdown or lang = en", "");
  CHECK(filter.decide(k_guide) == true);
  CHECK(filter.matches(k_guide, "no JSON"));
  CHECK(parse_filter("lang = en and type = pdf", "").decide(k_guide) == false);
  CHECK(parse_filter("not lang = en", "").decide(k_guide) == std::nullopt);
  CHECK(parse_filter("lang = en or type = pdf", "").decide(k_guide) == std::nullopt);
  CHECK_THROWS_AS(parse_filter("lang = en", "").matches(k_guide, "no JSON"), Error);
  CHECK_THROWS_AS(parse_filter("lang = en", "").matches(k_guide, "[]"), Error);
}

TEST_CASE("a document decides for its chunks where none of them has a key that counts") {
  const auto decide = [](std::string_view filter, std::string_view chunk_keys) {
    return parse_filter(filter, "").decide(k_guide, R"({"lang":"en","page":1})", chunk_keys);
  };
  CHECK(decide("lang = en and page = 1", "") == true);
  CHECK(decide("lang = en", R"(["page"])") == true);
  CHECK(decide("page = 1", R"(["page","row"])") == std::nullopt);
  CHECK(decide("page = 1 and lang = de", R"(["page"])") == false);
  CHECK(decide("page = 1 or lang = en", R"(["page"])") == true);
  CHECK(decide("page.x = 1", R"(["page"])") == std::nullopt);
  CHECK(decide("not page = 1", R"(["page.x"])") == false);
}

TEST_CASE("a filter tells which keys of metadata it reads") {
  const Filter filter = parse_filter("b.c = 1 or size > 1 and (a exists or not b.d = 2)", "");
  CHECK(filter.keys() == std::vector<std::string>{"a", "b"});
  CHECK(filter.uses_metadata());
  CHECK_FALSE(parse_filter("path ~ a or mtime < 2026-01-01", "").uses_metadata());
}

TEST_CASE("a filter is printed in one form") {
  CHECK(text_of("lang=en") == R"(lang = "en")");
  CHECK(text_of("uri ~ docs/** AND size>10k") == R"(path ~ "docs/**" and size > 10240)");
  CHECK(text_of("x == 1e3 or not (a=true and b!=null)") ==
        "x = 1000 or not (a = true and b != null)");
  CHECK(text_of("a exists and (b exists or c exists) and (d exists and e exists)") ==
        "a exists and (b exists or c exists) and (d exists and e exists)");
  CHECK(text_of("(a exists and b exists) or c exists") == "a exists and b exists or c exists");
  CHECK(text_of("x not in (1, 'b\n', 2026-01-01T01:00:00.50+01:00)") ==
        R"(x not in (1, "b\n", 2026-01-01T00:00:00.5Z))");
  CHECK(text_of("meta.size = 1 and meta.lang !~ a and 'x y'.\"not\" exists") ==
        R"(meta.size = 1 and lang !~ "a" and "x y"."not" exists)");
  CHECK(text_of("x = 0.1 and y < -1.5e300") == "x = 0.1 and y < -1.5e+300");
}

TEST_CASE("a malformed filter is refused with the column and what was expected") {
  CHECK(error_of("") == "--filter: column 1: the filter is empty; write one like 'lang = \"en\"'");
  CHECK(error_of("lang") ==
        "--filter: column 5: found the end instead of an operator; use one of "
        "= != < <= > >= ~ !~ in exists");
  CHECK(error_of("é = ") == "--filter: column 5: found the end instead of a value");
  CHECK(error_of("a = 1 adn b = 2") ==
        "--filter: column 7: \"adn\" has no meaning here; did you mean and?");
  CHECK(error_of("a = 1 && b = 2") == "--filter: column 7: && has no meaning here; write and");
  CHECK(error_of("a <> 1") == "--filter: column 3: <> has no meaning here; write !=");
  CHECK(error_of("!a = 1") == "--filter: column 1: ! has no meaning here; write not");
  CHECK(error_of("a like b") == "--filter: column 3: like has no meaning here; write ~");
  CHECK(error_of("(a = 1") ==
        "--filter: column 1: a parenthesis that is not closed; close it with )");
  CHECK(error_of("a = 1)") ==
        "--filter: column 6: found \")\" instead of the end; take the parenthesis out or open one "
        "in front");
  CHECK(error_of("a = 'b") == "--filter: column 5: a string that does not end; close it with '");
  CHECK(error_of("mtime > 2026") ==
        "--filter: column 9: mtime is a date, like 2026-01-31 or "
        "2026-01-31T12:00:00Z; write one");
  CHECK(error_of("size > big") ==
        "--filter: column 8: size is a number of bytes, like 4096 or 10K");
  CHECK(error_of("x > 2026-02-30") ==
        "--filter: column 5: 2026-02-30 is no date; put it in quotes if it is text");
  CHECK(error_of("x < true") ==
        "--filter: column 5: true is not less or greater than anything; "
        "use = or !=");
  CHECK(error_of("x = in") ==
        "--filter: column 5: found \"in\" instead of a value; put it in "
        "quotes if it is one");
  CHECK(error_of("path ~ '[a'") ==
        "--filter: column 8: a glob that can match nothing; see "
        "gitignore(5) for its form");
  for (const char* filter : {"and",
                             "not",
                             "()",
                             "a in",
                             "a in ()",
                             "a in (1",
                             "a in (1,)",
                             "a in (1 2)",
                             "a not 1",
                             "a. = 1",
                             ".a = 1",
                             "a..b = 1",
                             "'a''b' = 1",
                             "a'b' = 1",
                             "a b",
                             "a = = 1",
                             "a = (1)",
                             "= 1",
                             "a = 1 b = 2",
                             "a = 1 'and' b = 2",
                             "size ~ 1*",
                             "mtime ~ 2026*",
                             "a = \\x",
                             "a = \x01",
                             "a = \xff",
                             "a = '\\x'",
                             "a = '\\u12'",
                             "a = '\\ud800'",
                             "a = '\\ud800\\u0041'",
                             "a/b = 1",
                             "size > 1.5K",
                             "mtime_ns > 2026-01-01",
                             "a = 1,",
                             "exists",
                             "a exists b"}) {
    INFO(filter);
    CHECK(error_of(filter) != "no error");
  }
}

TEST_CASE("a filter's length, depth and number of values are bounded") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "a = 1" + std::string(depth, ')');
  };
  CHECK(error_of(nested(64)) == "no error");
  CHECK(error_of(nested(65)) ==
        "--filter: column 65: nested deeper than 64 levels; make the filter simpler");
  std::string nots;
  for (int i = 0; i < 65; ++i) nots += "not ";
  CHECK(error_of(nots + "a = 1") != "no error");
  CHECK(error_of(std::string(1 << 20, '(')) == "--filter: is longer than 64 KiB; make it shorter");
  std::string list = "a in (0";
  for (int i = 1; i < 10'000; ++i) list += ",1";
  CHECK(error_of(list + ")") == "no error");
  CHECK(error_of(list + ",1)") != "no error");
}
