#include "base/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace vecdb {

namespace {

constexpr std::uint8_t k_no_digit = 0xFF;

constexpr std::string_view k_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto k_digits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(k_no_digit);
  for (std::uint8_t i = 0; i < k_alphabet.size(); ++i) {
    digits[static_cast<unsigned char>(k_alphabet[i])] = i;
  }
  return digits;
}();

}  // namespace

std::string encode_base64(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), 3))) {
    const std::size_t count = std::min<std::size_t>(bytes.size(), 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8U | (i < count ? std::to_integer<std::uint32_t>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text.push_back(i <= count ? k_alphabet[bits >> (18U - 6U * i) & 63U] : '=');
    }
  }
  return text;
}

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
