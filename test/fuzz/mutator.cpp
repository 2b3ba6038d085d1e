#include "mutator.h"

#include <algorithm>
#include <array>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace vecdb::fuzz {

namespace {

struct Span {
  std::size_t start = 0;
  std::size_t end = 0;
};

std::size_t end_of_string(std::string_view json, std::size_t start) {
  for (std::size_t i = start + 1; i < json.size(); ++i) {
    if (json[i] == '\\') {
      ++i;
    } else if (json[i] == '"') {
      return i + 1;
    }
  }
  return json.size();
}

// Every value and key of a text that need not be sound.
std::vector<Span> values_of(std::string_view json) {
  constexpr std::string_view k_between = "{}[]\",: \t\r\n";
  std::vector<Span> values;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < json.size();) {
    const std::size_t start = i++;
    const char c = json[start];
    if (c == '{' || c == '[') {
      open.push_back(start);
    } else if ((c == '}' || c == ']') && !open.empty()) {
      values.push_back({open.back(), i});
      open.pop_back();
    } else if (c == '"') {
      i = end_of_string(json, start);
      values.push_back({start, i});
    } else if (k_between.find(c) == std::string_view::npos) {
      i = std::min(json.find_first_of(k_between, start), json.size());
      values.push_back({start, i});
    }
  }
  return values;
}

constexpr auto k_interesting = std::to_array<std::string_view>({"0",
                                                                "1",
                                                                "-1",
                                                                "-0",
                                                                "1.0",
                                                                "0.5",
                                                                "1e308",
                                                                "1e-400",
                                                                "1e999",
                                                                "null",
                                                                "true",
                                                                "false",
                                                                "{}",
                                                                "[]",
                                                                "\"\"",
                                                                "\"\\u0000\"",
                                                                "[[[]]]",
                                                                "65536",
                                                                "-1e9",
                                                                "{\"\":0}",
                                                                "2147483648",
                                                                "4294967296",
                                                                "\"\\ud800\"",
                                                                "\"\\ud83d\\ude00\"",
                                                                "9223372036854775807",
                                                                "9223372036854775808",
                                                                "18446744073709551615",
                                                                "18446744073709551616"});

std::string changed(std::string_view json, const std::vector<Span>& values, Random& random,
                    Span value) {
  const std::string_view old = json.substr(value.start, value.end - value.start);
  switch (random.below(6)) {
    case 0:
      return std::string(k_interesting[random.below(k_interesting.size())]);
    case 1: {
      const Span other = values[random.below(values.size())];
      return std::string(json.substr(other.start, other.end - other.start));
    }
    case 2:
      return "";
    case 3:
      return std::string(old) + "," + std::string(old);
    case 4:
      return "[" + std::string(old) + "]";
    default:
      if (old.starts_with('"') && old.size() >= 2) {
        return "\"" + mutate_bytes(old.substr(1, old.size() - 2), old.size() + 16) + "\"";
      }
      return mutate_bytes(old, old.size() + 4);
  }
}

}  // namespace

std::string mutate_bytes(std::string_view bytes, std::size_t max_size) {
  max_size = std::max<std::size_t>(max_size, 1);
  std::vector<std::uint8_t> buffer(
      bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), max_size)));
  const std::size_t size = buffer.size();
  buffer.resize(max_size);
  buffer.resize(LLVMFuzzerMutate(buffer.data(), size, max_size));
  return {buffer.begin(), buffer.end()};
}

std::string mutate_json(std::string_view json, std::size_t max_size, Random& random) {
  const std::vector<Span> values = values_of(json);
  if (values.empty() || random.one_in(4)) return mutate_bytes(json, max_size);
  const Span value = values[random.below(values.size())];
  const std::string out = std::string(json.substr(0, value.start)) +
                          changed(json, values, random, value) +
                          std::string(json.substr(value.end));
  return out.substr(0, max_size);
}

std::size_t put(std::string_view input, std::uint8_t* data, std::size_t max_size) {
  const std::size_t size = std::min(input.size(), max_size);
  std::copy_n(input.begin(), size, data);
  return size;
}

std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> 8 * i));
  return out;
}

}  // namespace vecdb::fuzz
