#include "text/load/record.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace vecdb;

namespace {

// A ready chunk of three bytes with further keys.
Record chunk_with(const std::string& keys) {
  return parse_record(R"({"uri":"a","chunk":0,"text":"tea",)" + keys + "}", "in.jsonl:1");
}

}  // namespace

TEST_CASE("a ready chunk without an end ends after its text") {
  const Record record = chunk_with(R"("start":4)");
  REQUIRE(record.ready_chunk);
  CHECK(*record.ready_chunk == Chunk{.start = 4, .end = 7, .line = 1, .text = "tea"});
}

TEST_CASE("a ready chunk lies where 63 bits count") {
  CHECK(chunk_with(R"("start":9223372036854775804)").ready_chunk->end == 9223372036854775807U);
  for (const char* place : {R"("start":9223372036854775805)", R"("start":9223372036854775807)",
                            R"("start":9223372036854775808)", R"("start":0,"line":0)",
                            R"("start":4,"end":3)", R"("start":-1)", R"("start":1.0)"}) {
    CAPTURE(place);
    CHECK_THROWS_AS(chunk_with(place), Error);
  }
}
