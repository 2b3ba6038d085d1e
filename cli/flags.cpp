#include "flags.h"

#include <charconv>
#include <cstdint>
#include <limits>
#include <sstream>

#include "arguments.h"
#include "inputs.h"

namespace vecdb {

namespace {

constexpr std::size_t k_max_dimensions = 1U << 20U;

// Whether all of the text is one number.
template <typename Number>
bool parse_number(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

std::string shortest(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::function<void(const std::string&)> verbatim_parser(
    const std::string& flag, const std::function<void(std::string)>& take) {
  return [take, flag](const std::string& text) {
    std::string value = unshielded(text);
    require_utf8(value, flag, ErrorKind::k_usage);
    take(std::move(value));
  };
}

}  // namespace

CLI::Option* add_count(CLI::App& app, const std::string& flag, std::size_t& value,
                       std::size_t least, std::size_t most, const std::string& help) {
  return add_count(
      app, flag, [&value](std::size_t number) { value = number; }, least, most, help);
}

CLI::Option* add_count(CLI::App& app, const std::string& flag,
                       const std::function<void(std::size_t)>& take, std::size_t least,
                       std::size_t most, const std::string& help) {
  const std::string name = flag.substr(0, flag.find(','));
  const auto parse = [take, name, least, most](const std::string& text) {
    std::size_t number = 0;
    if (!parse_number(text, number) || number < least || number > most) {
      throw Error(ErrorKind::k_usage, name + " " + text + ": is not a whole number from " +
                                          std::to_string(least) + " to " + std::to_string(most));
    }
    take(number);
  };
  return app.add_option_function<std::string>(flag, parse, help)->type_name("N");
}

CLI::Option* add_size(CLI::App& app, const std::string& flag, std::size_t least,
                      const std::function<void(std::size_t)>& take, const std::string& help) {
  const auto parse = [take, flag, least](const std::string& text) {
    constexpr std::string_view k_units = "KMGT";
    const auto unit = text.empty() ? std::string_view::npos : k_units.find(text.back());
    const unsigned shift =
        unit == std::string_view::npos ? 0 : 10 * (static_cast<unsigned>(unit) + 1);
    const std::string digits = text.substr(0, text.size() - (shift > 0 ? 1 : 0));
    std::size_t number = 0;
    const bool is_number = parse_number(digits, number);
    if (!is_number || number > (std::size_t{std::numeric_limits<std::int64_t>::max()} >> shift) ||
        (number << shift) < least) {
      throw Error(ErrorKind::k_usage, flag + " " + text + ": is not a size from " +
                                          std::to_string(least) + " bytes up, like 512M or 2G");
    }
    take(number << shift);
  };
  return app.add_option_function<std::string>(flag, parse, help)->type_name("SIZE");
}

CLI::Option* add_real(CLI::App& app, const std::string& flag, double least, double most,
                      const std::function<void(double)>& take, const std::string& help) {
  const auto parse = [=](const std::string& text) {
    double number = 0;
    if (!parse_number(text, number) || !(number >= least) || !(number <= most)) {
      throw Error(ErrorKind::k_usage, flag + " " + text + ": is not a number from " +
                                          shortest(least) + " to " + shortest(most));
    }
    take(number);
  };
  return app.add_option_function<std::string>(flag, parse, help)->type_name("X");
}

CLI::Option* add_verbatim(CLI::App& app, const std::string& flag,
                          const std::function<void(std::string)>& take, const std::string& help) {
  return app.add_option_function<std::string>(flag, verbatim_parser(flag, take), help);
}

CLI::Option* add_verbatim_list(CLI::App& app, const std::string& flag,
                               const std::function<void(std::string)>& take,
                               const std::string& help) {
  const auto parse = [parse_one =
                          verbatim_parser(flag, take)](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) parse_one(text);
  };
  return app.add_option_function<std::vector<std::string>>(flag, parse, help)
      ->allow_extra_args(false);
}

void add_filter(CLI::App& app, std::optional<Filter>& filter, const std::string& help) {
  add_verbatim(
      app, "--filter",
      [&filter](const std::string& text) { filter = parse_filter(text, "--filter"); }, help)
      ->type_name("FILTER");
}

void add_overflow(CLI::App& app, Overflow& overflow, std::map<std::string, Overflow> more,
                  const std::string& help) {
  more.insert(
      {{"error", Overflow::k_error}, {"warn", Overflow::k_warn}, {"mean", Overflow::k_mean}});
  add_choice(app, "--on-overflow", overflow, more, help + "; default warn: cut it, and say so");
}

void add_wait(CLI::App& app, double& seconds) {
  add_real(
      app, "--wait", 0, 1e6, [&seconds](double value) { seconds = value; },
      "Seconds to wait for another writer; default 5");
}

void add_dimensions(CLI::App& app, std::size_t& dimensions) {
  add_count(app, "--dimensions", dimensions, 1, k_max_dimensions,
            "Keep a vector's first N components; the model must be trained for it");
}

}  // namespace vecdb
