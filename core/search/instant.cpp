#include "search/instant.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace vecdb {

namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::int64_t k_billion = 1'000'000'000;
constexpr std::int64_t k_day = 24 * 60 * 60;

bool is_digit(char character) { return character >= '0' && character <= '9'; }

// Takes what it reads from the front; once something is not there, is_good() stays false.
class Reader {
 public:
  explicit Reader(std::string_view text) : m_rest(text) {}

  bool is_good() const noexcept { return m_good; }
  bool at_end() const noexcept { return m_rest.empty(); }

  bool skip_if(std::string_view any_of) {
    if (m_rest.empty() || any_of.find(m_rest.front()) == std::string_view::npos) return false;
    m_last = m_rest.front();
    m_rest.remove_prefix(1);
    return true;
  }

  char last_skipped() const noexcept { return m_last; }

  void expect(std::string_view any_of) { m_good = skip_if(any_of) && m_good; }

  int number(std::size_t digits, int most) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) value = 10 * value + digit();
    m_good = m_good && value <= most;
    return value;
  }

  // Behind the point of seconds.
  std::int32_t nanoseconds() {
    std::int32_t value = 0;
    std::int32_t unit = static_cast<std::int32_t>(k_billion / 10);
    do {
      m_good = m_good && unit > 0;
      value += unit * digit();
      unit /= 10;
    } while (!m_rest.empty() && is_digit(m_rest.front()));
    return value;
  }

 private:
  int digit() {
    if (m_rest.empty() || !is_digit(m_rest.front())) {
      m_good = false;
      return 0;
    }
    const int value = m_rest.front() - '0';
    m_rest.remove_prefix(1);
    return value;
  }

  std::string_view m_rest;
  char m_last = '\0';
  bool m_good = true;
};

// Seconds since midnight UTC; fills in the fraction.
std::int64_t read_time(Reader& reader, std::int32_t& nanoseconds) {
  std::int64_t seconds = 3600 * reader.number(2, 23);
  reader.expect(":");
  seconds += 60 * reader.number(2, 59);
  if (reader.skip_if(":")) {
    seconds += reader.number(2, 59);
    if (reader.skip_if(".")) nanoseconds = reader.nanoseconds();
  }
  if (reader.skip_if("Zz") || !reader.skip_if("+-")) return seconds;
  const int sign = reader.last_skipped() == '+' ? 1 : -1;
  const std::int64_t hours = reader.number(2, 23);
  reader.expect(":");
  return seconds - sign * (3600 * hours + 60 * reader.number(2, 59));
}

std::int64_t seconds_of(year_month_day date) {
  return sys_days(date).time_since_epoch().count() * k_day;
}

}  // namespace

Instant instant_of_nanoseconds(std::int64_t since_1970) {
  std::int64_t seconds = since_1970 / k_billion;
  std::int64_t nanoseconds = since_1970 % k_billion;
  if (nanoseconds < 0) {
    --seconds;
    nanoseconds += k_billion;
  }
  return {seconds, static_cast<std::int32_t>(nanoseconds)};
}

bool looks_like_instant(std::string_view text) {
  constexpr std::string_view k_shape = "dddd-dd-dd";
  if (text.size() < k_shape.size()) return false;
  for (std::size_t i = 0; i < k_shape.size(); ++i) {
    if (k_shape[i] == 'd' ? !is_digit(text[i]) : text[i] != k_shape[i]) return false;
  }
  return true;
}

std::optional<Instant> parse_instant(std::string_view text) {
  if (!looks_like_instant(text)) return std::nullopt;  // what most texts are not, told at once
  Reader reader(text);
  const year years(reader.number(4, 9999));
  reader.expect("-");
  const month months(static_cast<unsigned>(reader.number(2, 12)));
  reader.expect("-");
  const year_month_day date(years, months, day(static_cast<unsigned>(reader.number(2, 31))));
  if (!reader.is_good() || !date.ok()) return std::nullopt;
  Instant instant{seconds_of(date), 0};
  if (!reader.at_end()) {
    reader.expect("Tt ");
    instant.seconds += read_time(reader, instant.nanoseconds);
  }
  static const std::int64_t first = seconds_of(year(0) / 1 / 1);
  static const std::int64_t end = seconds_of(year(10000) / 1 / 1);
  if (!reader.is_good() || !reader.at_end() || instant.seconds < first || instant.seconds >= end) {
    return std::nullopt;
  }
  return instant;
}

std::string to_string(const Instant& instant) {
  const std::int64_t second = ((instant.seconds % k_day) + k_day) % k_day;
  const year_month_day date(sys_days(days((instant.seconds - second) / k_day)));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), static_cast<int>(second / 3600),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
  std::string result = text.data();
  if (instant.nanoseconds != 0) {
    std::snprintf(text.data(), text.size(), ".%09d", static_cast<int>(instant.nanoseconds));
    result += text.data();
    result.erase(result.find_last_not_of('0') + 1);
  }
  return result + 'Z';
}

}  // namespace vecdb
