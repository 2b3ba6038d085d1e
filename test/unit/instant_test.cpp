#include "search/instant.h"

#include <catch2/catch.hpp>

using vecdb::Instant;
using vecdb::instant_of_nanoseconds;
using vecdb::parse_instant;

TEST_CASE("a date is its midnight in UTC") {
  CHECK(parse_instant("1970-01-01") == Instant{0, 0});
  CHECK(parse_instant("2026-01-01") == Instant{1'767'225'600, 0});
  CHECK(parse_instant("0000-01-01") == Instant{-62'167'219'200, 0});
  CHECK(parse_instant("9999-12-31T23:59:59.999999999Z") == Instant{253'402'300'799, 999'999'999});
  CHECK(parse_instant("2024-02-29"));
}

TEST_CASE("a time has an offset or is UTC") {
  CHECK(parse_instant("1970-01-01T00:01") == Instant{60, 0});
  CHECK(parse_instant("1970-01-01 00:00:01.5") == Instant{1, 500'000'000});
  CHECK(parse_instant("1970-01-01t02:00:00.000000001+02:00") == Instant{0, 1});
  CHECK(parse_instant("1970-01-01T00:00z") == Instant{0, 0});
  CHECK(parse_instant("1969-12-31T19:00-05:00") == Instant{0, 0});
}

TEST_CASE("what is no moment is told") {
  for (const char* text : {"",
                           "2026",
                           "2026-1-1",
                           "2026-02-29",
                           "2026-00-10",
                           "2026-13-01",
                           "2026-01-32",
                           "2026-01-01T",
                           "2026-01-01T24:00",
                           "2026-01-01T00:60",
                           "2026-01-01T00:00:60",
                           "2026-01-01T00:00:00.",
                           "2026-01-01T00:00:00.1234567890",
                           "2026-01-01T00:00+1",
                           "2026-01-01T00:00+24:00",
                           "2026-01-01T00:00ZZ",
                           "2026-01-01x",
                           "x2026-01-01",
                           "2026-01-01T0000",
                           "-026-01-01",
                           "0000-01-01T00:00+00:01",
                           "9999-12-31T23:59-00:01"}) {
    INFO(text);
    CHECK_FALSE(parse_instant(text));
  }
}

TEST_CASE("a moment is printed as it is read") {
  for (const char* text : {"0000-01-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z",
                           "2024-02-29T12:34:56.7Z", "9999-12-31T23:59:59Z"}) {
    CHECK(to_string(*parse_instant(text)) == text);
  }
}

TEST_CASE("nanoseconds before 1970 are rounded down to seconds") {
  CHECK(instant_of_nanoseconds(-1) == Instant{-1, 999'999'999});
  CHECK(instant_of_nanoseconds(-1'000'000'000) == Instant{-1, 0});
  CHECK(instant_of_nanoseconds(1'500'000'000) == Instant{1, 500'000'000});
}
