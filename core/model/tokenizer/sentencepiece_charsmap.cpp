#include "model/tokenizer/sentencepiece_charsmap.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/utf8.h"

namespace vecdb {

namespace {

// That of NFKC takes 240 KB, and its longest key 12 bytes. A key is at most as long as the
// library's array, since each of its prefixes may be a key as well.
constexpr std::size_t k_max_bytes = 1U << 20U;
constexpr std::size_t k_max_key = 32;
// NFKC makes at most 11 bytes of one. Bounds what a short text can grow to.
constexpr std::size_t k_max_growth = 16;
constexpr std::size_t k_block = 256;  // units: one for each next byte

// A unit of Darts-clone's double array.
class Unit {
 public:
  explicit Unit(std::uint32_t bits) : m_bits(bits) {}
  bool has_leaf() const { return (m_bits >> 8U & 1U) != 0; }
  std::size_t value() const { return m_bits & 0x7FFFFFFFU; }
  // With the topmost bit, which marks a value, so that a value is no byte's label.
  std::uint32_t label() const { return m_bits & 0x800000FFU; }
  std::size_t offset() const { return std::size_t{m_bits >> 10U} << ((m_bits & 0x200U) >> 6U); }

 private:
  std::uint32_t m_bits;
};

std::uint32_t read_u32(std::string_view bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(bytes[offset + i - 1]);
  }
  return value;
}

class Charsmap {
 public:
  Charsmap(std::string_view trie, std::string_view replacements)
      : m_trie(trie), m_replacements(replacements), m_last_seen(trie.size() / 4, 0) {}

  // Goes through all keys at once, a byte at a time. Nodes may be shared by keys, so that depth
  // alone ends a cycle.
  std::optional<std::string> find_fault() {
    std::vector<std::size_t> nodes = {0};
    for (std::size_t depth = 0; !nodes.empty(); ++depth) {
      if (depth > k_max_key) return "a rule is longer than " + std::to_string(k_max_key) + " bytes";
      std::vector<std::size_t> next;
      for (const std::size_t node : nodes) {
        if (const auto fault = visit(node, depth, next)) return fault;
      }
      nodes = std::move(next);
    }
    return std::nullopt;
  }

 private:
  Unit unit(std::size_t index) const { return Unit(read_u32(m_trie, 4 * index)); }

  std::optional<std::string> visit(std::size_t node, std::size_t depth,
                                   std::vector<std::size_t>& next) {
    const std::size_t base = node ^ unit(node).offset();
    if ((base | (k_block - 1)) >= m_last_seen.size()) return "a rule leads out of the trie";
    if (depth > 0 && unit(node).has_leaf()) {
      if (const auto fault = check_replacement(unit(base).value(), depth)) return fault;
    }
    for (std::size_t byte = 0; byte < k_block; ++byte) {
      const std::size_t child = base ^ byte;
      if (unit(child).label() != byte || m_last_seen[child] == depth + 1) continue;
      m_last_seen[child] = depth + 1;
      next.push_back(child);
    }
    return std::nullopt;
  }

  std::optional<std::string> check_replacement(std::size_t offset, std::size_t key_bytes) const {
    if (offset >= m_replacements.size()) return "a rule's replacement lies outside of it";
    if ((static_cast<unsigned char>(m_replacements[offset]) & 0xC0U) == 0x80U) {
      return "a rule's replacement starts inside a character";
    }
    if (m_replacements.find('\0', offset) - offset > k_max_growth * key_bytes) {
      return "a rule's replacement is too long";
    }
    return std::nullopt;
  }

  std::string_view m_trie;
  std::string_view m_replacements;
  std::vector<std::size_t> m_last_seen;  // a depth at which the node is among the next ones
};

}  // namespace

std::optional<std::string> find_charsmap_fault(std::string_view charsmap) {
  if (charsmap.size() < 4 || charsmap.size() > k_max_bytes) return "its size is out of range";
  const std::size_t trie_bytes = read_u32(charsmap, 0);
  const std::string_view rest = charsmap.substr(4);
  if (trie_bytes == 0 || trie_bytes % (4 * k_block) != 0 || trie_bytes >= rest.size()) {
    return "its trie has a wrong size";
  }
  const std::string_view replacements = rest.substr(trie_bytes);
  if (replacements.back() != '\0') return "its last replacement has no end";
  if (find_invalid_utf8(replacements)) return "a replacement is not UTF-8";
  return Charsmap(rest.substr(0, trie_bytes), replacements).find_fault();
}

std::optional<std::string_view> find_replacement(std::string_view charsmap, std::string_view text) {
  const std::size_t trie_bytes = read_u32(charsmap, 0);
  const std::string_view trie = charsmap.substr(4, trie_bytes);
  const auto unit = [trie](std::size_t index) { return Unit(read_u32(trie, 4 * index)); };
  std::size_t node = unit(0).offset();
  for (const char byte : text) {
    const auto label = static_cast<unsigned char>(byte);
    if (label == 0) break;  // ends a key and is in none
    node ^= label;
    if (unit(node).label() != label) break;
    const bool is_key = unit(node).has_leaf();
    node ^= unit(node).offset();
    if (!is_key) continue;
    const std::string_view found = charsmap.substr(4 + trie_bytes + unit(node).value());
    return found.substr(0, found.find('\0'));
  }
  return std::nullopt;
}

}  // namespace vecdb
