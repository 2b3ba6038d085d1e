#include "base/base64.h"

#include <array>
#include <cstdint>

namespace vecdb {

namespace {

constexpr std::uint8_t k_no_digit = 0xFF;

constexpr auto k_digits = [] {
  constexpr std::string_view k_alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> digits{};
  digits.fill(k_no_digit);
  for (std::uint8_t i = 0; i < k_alphabet.size(); ++i) {
    digits[static_cast<unsigned char>(k_alphabet[i])] = i;
  }
  return digits;
}();

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;  // of bits that are not yet in `bytes`
  for (const char c : text) {
    const std::uint8_t digit = k_digits[static_cast<unsigned char>(c)];
    if (digit == k_no_digit) return std::nullopt;
    bits = bits << 6U | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFFU));
  }
  const bool rest_is_zero = (bits & ((1U << count) - 1)) == 0;
  return rest_is_zero ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace vecdb
