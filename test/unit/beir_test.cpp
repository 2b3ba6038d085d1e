#include "text/load/beir.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/error.h"

using namespace vecdb;

namespace {

BeirRecord record_of(const std::string& line) { return parse_beir_record(line, "corpus.jsonl:7"); }

std::string refusal_of(const std::string& text) {
  try {
    parse_beir_judgements(text, "test.tsv");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_io);
    return error.what();
  }
  return "";
}

const std::string k_header = "query-id\tcorpus-id\tscore\n";

}  // namespace

TEST_CASE("a passage is title, a space and text, or the one that there is") {
  CHECK(record_of(R"({"_id":"1","title":"Tea","text":"Hot."})").passage() == "Tea Hot.");
  for (const char* line :
       {R"({"_id":"1","text":"Hot."})", R"({"_id":"1","text":"Hot.","title":null,"more":[1]})",
        R"({"_id":"1","title":"","text":"Hot."})", R"({"_id":"1","title":"Hot.","text":""})"}) {
    CAPTURE(line);
    CHECK(record_of(line).passage() == "Hot.");
  }
}

TEST_CASE("a record without an id or a text, or with others than strings, is refused by place") {
  for (const char* line :
       {R"({"text":"t"})", R"({"_id":"","text":"t"})", R"({"_id":1,"text":"t"})", R"({"_id":"1"})",
        R"({"_id":"1","text":null})", R"({"_id":"1","text":"t","title":2})", R"(["_id","text"])",
        R"({"_id":"1","text":"t")", "", "\xEF\xBF"}) {
    CAPTURE(line);
    CHECK_THROWS_WITH(record_of(line), Catch::StartsWith("corpus.jsonl:7: "));
  }
}

TEST_CASE("judgements stand below a header, with any line end, and may be quoted") {
  const auto all =
      parse_beir_judgements(k_header + "q\td\t2\r\n\nq 2\t\"a \"\"b\"\"\"\t-1", "test.tsv");
  REQUIRE(all.size() == 2);
  CHECK(all[0].query == "q");
  CHECK(all[0].document == "d");
  CHECK(all[0].relevance == 2);
  CHECK(all[0].line == 2);
  CHECK(all[1].query == "q 2");
  CHECK(all[1].document == "a \"b\"");
  CHECK(all[1].relevance == -1);
  CHECK(all[1].line == 4);
}

TEST_CASE("a row of another form is refused, with its line") {
  for (const char* row : {"q\td", "q\td\t1\t2", "q\td\t", "q\td\t1.5", "q\td\t 1", "q\td\t+1",
                          "q\td\t99999999999", "q d 1", "\"q\td\t1", "\"q\"q\td\t1"}) {
    CAPTURE(row);
    CHECK_THAT(refusal_of(k_header + "a\tb\t1\n" + row), Catch::StartsWith("test.tsv:3: "));
  }
}

TEST_CASE("a file without a header, or without a judgement, is refused") {
  CHECK_THAT(refusal_of("q\td\t1\n"), Catch::StartsWith("test.tsv:1: is a judgement"));
  CHECK_THAT(refusal_of(k_header), Catch::StartsWith("test.tsv: holds no judgement"));
  CHECK_THAT(refusal_of(""), Catch::StartsWith("test.tsv: holds no judgement"));
}
