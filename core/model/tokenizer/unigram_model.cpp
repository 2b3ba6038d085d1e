#include "model/tokenizer/unigram_model.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace vecdb {

namespace {

constexpr double k_unknown_penalty = 10;

// FNV-1a: the hashes of all prefixes of a text come out of one pass over it.
constexpr std::uint64_t k_hash_start = 0xCBF29CE484222325U;

constexpr std::uint64_t extend_hash(std::uint64_t hash, char byte) {
  return (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
}

std::uint32_t fold(std::uint64_t hash) { return static_cast<std::uint32_t>(hash ^ hash >> 32U); }

bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

UnigramModel::UnigramModel(UnigramParts parts) : m_parts(std::move(parts)) {
  const std::size_t count = m_parts.ends.size();
  m_slots.resize(std::bit_ceil(4 * count + 1));
  const std::size_t mask = m_slots.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<TokenId>(i);
    std::uint64_t hash = k_hash_start;
    for (const char byte : piece(id)) hash = extend_hash(hash, byte);
    std::size_t slot = fold(hash) & mask;
    while (m_slots[slot].id != k_free) slot = (slot + 1) & mask;
    m_slots[slot] = {fold(hash), id};
    m_longest = std::max(m_longest, piece(id).size());
  }
  m_unknown_score = std::ranges::min(m_parts.scores) - k_unknown_penalty;
}

std::string_view UnigramModel::piece(TokenId id) const {
  const auto i = static_cast<std::size_t>(id);
  const std::size_t start = i == 0 ? 0 : m_parts.ends[i - 1];
  return std::string_view(m_parts.texts).substr(start, m_parts.ends[i] - start);
}

TokenId UnigramModel::find(std::uint64_t hash, std::string_view text) const {
  const std::size_t mask = m_slots.size() - 1;
  for (std::size_t slot = fold(hash) & mask;; slot = (slot + 1) & mask) {
    const Slot& entry = m_slots[slot];
    if (entry.id == k_free) return k_free;
    if (entry.hash == fold(hash) && piece(entry.id) == text) return entry.id;
  }
}

// Offers every piece that starts at `start` to the node at its end.
void UnigramModel::extend(std::string_view word, std::size_t start,
                          std::vector<Node>& nodes) const {
  const double here = nodes[start].score;
  const auto offer = [&](std::size_t end, TokenId id, double score) {
    Node& node = nodes[end];
    if (node.id == k_free || here + score > node.score) node = {here + score, id, start};
  };
  const std::size_t limit = std::min(word.size(), start + m_longest);
  std::size_t first_end = 0;  // of the first character
  bool first_is_piece = false;
  std::uint64_t hash = k_hash_start;
  for (std::size_t end = start + 1; end <= word.size(); ++end) {
    hash = extend_hash(hash, word[end - 1]);
    if (end < word.size() && is_inside_character(word[end])) continue;
    if (first_end != 0 && end > limit) break;
    const TokenId id = find(hash, word.substr(start, end - start));
    if (first_end == 0) {
      first_end = end;
      first_is_piece = id != k_free;
    }
    if (id != k_free) offer(end, id, m_parts.scores[static_cast<std::size_t>(id)]);
  }
  if (!first_is_piece) offer(first_end, m_parts.unknown, m_unknown_score);
}

void UnigramModel::add_word(std::string_view word, IdCollector& ids) const {
  std::vector<Node> nodes(word.size() + 1);
  for (std::size_t start = 0; start < word.size(); ++start) {
    if (!is_inside_character(word[start])) extend(word, start, nodes);
  }
  std::vector<TokenId> found;
  bool after_unknown = false;
  for (std::size_t end = word.size(); end > 0; end = nodes[end].start) {
    const bool unknown = nodes[end].id == m_parts.unknown;
    if (!unknown || !after_unknown) found.push_back(nodes[end].id);
    after_unknown = unknown;
  }
  std::for_each(found.rbegin(), found.rend(), [&ids](TokenId id) { ids.add(id); });
}

}  // namespace vecdb
