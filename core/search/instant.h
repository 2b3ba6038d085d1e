#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// A moment of the years 0000 to 9999 in UTC, to the nanosecond; proleptic Gregorian calendar,
// without leap seconds.
struct Instant {
  std::int64_t seconds = 0;      // since 1970-01-01T00:00:00Z, rounded down
  std::int32_t nanoseconds = 0;  // from 0 to 999,999,999

  friend auto operator<=>(const Instant&, const Instant&) = default;
};

Instant instant_of_nanoseconds(std::int64_t since_1970);

// Whether the text begins as a date does: four digits, '-', two digits, '-', two digits.
bool looks_like_instant(std::string_view text);

// Reads a date, "2026-01-31", or a date and a time, "2026-01-31T12:30:00.25+01:00" (RFC 3339): a
// space may stand for the T, seconds and their fraction of at most nine digits may be left out; a
// time without an offset is UTC, a date alone its midnight. Nothing when the text is anything else
// or no moment of those years.
std::optional<Instant> parse_instant(std::string_view text);

// The form that parse_instant() reads, in UTC: "2026-01-31T11:30:00.25Z".
std::string to_string(const Instant& instant);

}  // namespace vecdb
