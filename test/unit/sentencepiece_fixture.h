#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

// Small SentencePiece models, written byte by byte.
namespace vecdb {

inline std::string repeat(const std::string& part, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

// Protobuf's wire format, as far as a model needs it.

inline std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) bytes.push_back(static_cast<char>(value | 0x80U));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

inline std::string number(unsigned field, std::uint64_t value) {
  return varint(field << 3U) + varint(value);
}

inline std::string bytes(unsigned field, const std::string& content) {
  return varint(field << 3U | 2U) + varint(content.size()) + content;
}

inline std::string little_endian(std::uint32_t value) {
  std::string content;
  for (unsigned shift = 0; shift < 32; shift += 8)
    content.push_back(static_cast<char>(value >> shift));
  return content;
}

inline std::string real(unsigned field, float value) {
  return varint(field << 3U | 5U) + little_endian(std::bit_cast<std::uint32_t>(value));
}

inline std::string piece(const std::string& text, float score = -1, unsigned type = 1) {
  return bytes(1, bytes(1, text) + real(2, score) + number(3, type));
}

inline const std::string k_first = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
// With the ids 4 to 8.
inline const std::string k_pieces =
    k_first + piece("\u2581", -3) + piece("a") + piece("b") + piece("\u2581a") + piece("bab", -1.5);

inline std::string charsmap(const std::vector<std::uint32_t>& trie,
                            const std::string& replacements) {
  std::string map = little_endian(static_cast<std::uint32_t>(4 * trie.size()));
  for (const std::uint32_t unit : trie) map += little_endian(unit);
  return map + replacements;
}

// A trie whose only key is "A"; its replacement starts at `value`. The root's children lie from 1,
// the key's from 0x80: the units are 22 bits of offset, then a flag for a value, then a label.
inline std::vector<std::uint32_t> trie_of_a(std::uint32_t value) {
  std::vector<std::uint32_t> trie(256);
  // Unused units are labelled as if their parent's children lay from 2, where nothing does.
  for (std::uint32_t i = 0; i < trie.size(); ++i) trie[i] = i ^ 0x02U;
  trie[0] = 1U << 10U;
  trie[0x40] = 0xC0U << 10U | 1U << 8U | 'A';
  trie[0x80] = 1U << 31U | value;
  return trie;
}

inline std::string with_map(const std::string& map) { return k_pieces + bytes(3, bytes(2, map)); }

}  // namespace vecdb
