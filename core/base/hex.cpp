#include "base/hex.h"

#include <algorithm>

namespace vecdb {

namespace {

constexpr std::string_view k_digits = "0123456789abcdef";

}  // namespace

std::string to_hex(std::span<const unsigned char> bytes) {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    hex.push_back(k_digits[byte >> 4U]);
    hex.push_back(k_digits[byte & 0x0FU]);
  }
  return hex;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char digit) {
           return k_digits.find(digit) != std::string_view::npos;
         });
}

}  // namespace vecdb
