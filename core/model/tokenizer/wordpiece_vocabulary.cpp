#include "model/tokenizer/wordpiece_vocabulary.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace vecdb {

namespace {

constexpr std::string_view k_further_prefix = "##";

// FNV-1a: the hashes of all prefixes of a word come out of one pass over it.
constexpr std::uint64_t k_hash_start = 0xCBF29CE484222325U;

constexpr std::uint64_t extend_hash(std::uint64_t hash, char byte) {
  return (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
}

constexpr std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = k_hash_start;
  for (const char byte : bytes) hash = extend_hash(hash, byte);
  return hash;
}

constexpr std::uint64_t k_hash_further = hash_of(k_further_prefix);

std::uint32_t fold(std::uint64_t hash) { return static_cast<std::uint32_t>(hash ^ hash >> 32U); }

bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Error(ErrorKind::k_model,
              name + ": not a WordPiece vocabulary: " + why + "; take the model's own vocab.txt");
}

}  // namespace

WordPieceVocabulary::WordPieceVocabulary(std::string_view file, const std::string& name)
    : m_text(file) {
  if (const auto offset = find_invalid_utf8(file)) {
    refuse(name, "byte " + std::to_string(*offset) + " is not UTF-8");
  }
  read_lines(name);
  fill_slots(name);
}

void WordPieceVocabulary::read_lines(const std::string& name) {
  for (std::size_t start = 0; start < m_text.size();) {
    const std::size_t newline = std::min(m_text.find('\n', start), m_text.size());
    std::size_t length = newline - start;
    const bool has_newline = newline < m_text.size();
    if (has_newline && length > 0 && m_text[newline - 1] == '\r') --length;
    if (length == 0) refuse(name, "line " + std::to_string(m_tokens.size() + 1) + " is empty");
    if (m_tokens.size() == std::numeric_limits<TokenId>::max()) refuse(name, "too many lines");
    m_tokens.push_back({start, length});
    m_longest = std::max(m_longest, length);
    start = newline + 1;
  }
}

void WordPieceVocabulary::fill_slots(const std::string& name) {
  m_slots.resize(std::bit_ceil(2 * m_tokens.size() + 1));
  const std::size_t mask = m_slots.size() - 1;
  for (std::size_t line = 0; line < m_tokens.size(); ++line) {
    const auto id = static_cast<TokenId>(line);
    const std::string_view text = token(id);
    const std::uint64_t hash = hash_of(text);
    if (lookup(hash, "", text) != k_free) {
      refuse(name, "the token " + dump_json(std::string(text)) + " stands twice");
    }
    std::size_t slot = fold(hash) & mask;
    while (m_slots[slot].id != k_free) slot = (slot + 1) & mask;
    m_slots[slot] = {fold(hash), id};
  }
}

std::string_view WordPieceVocabulary::token(TokenId id) const {
  const Range& range = m_tokens[static_cast<std::size_t>(id)];
  return {m_text.data() + range.start, range.length};
}

// The token that is `prefix` and `piece` joined, or k_free.
TokenId WordPieceVocabulary::lookup(std::uint64_t hash, std::string_view prefix,
                                    std::string_view piece) const {
  const std::size_t mask = m_slots.size() - 1;
  for (std::size_t slot = fold(hash) & mask;; slot = (slot + 1) & mask) {
    const Slot& entry = m_slots[slot];
    if (entry.id == k_free) return k_free;
    if (entry.hash != fold(hash)) continue;
    const std::string_view text = token(entry.id);
    if (text.size() == prefix.size() + piece.size() && text.starts_with(prefix) &&
        text.ends_with(piece)) {
      return entry.id;
    }
  }
}

std::optional<TokenId> WordPieceVocabulary::find(std::string_view text) const {
  const TokenId id = lookup(hash_of(text), "", text);
  return id == k_free ? std::nullopt : std::optional(id);
}

std::optional<WordPieceVocabulary::Match> WordPieceVocabulary::longest_match(std::string_view rest,
                                                                             Place place) const {
  const bool first = place == Place::k_first;
  const std::string_view prefix = first ? std::string_view() : k_further_prefix;
  std::array<std::uint64_t, k_max_word_bytes> hashes;
  const std::size_t limit = std::min({rest.size(), m_longest, hashes.size()});
  std::uint64_t hash = first ? k_hash_start : k_hash_further;
  for (std::size_t i = 0; i < limit; ++i) hashes[i] = hash = extend_hash(hash, rest[i]);
  for (std::size_t length = limit; length > 0; --length) {
    if (length < rest.size() && is_inside_character(rest[length])) continue;
    const TokenId id = lookup(hashes[length - 1], prefix, rest.substr(0, length));
    if (id != k_free) return Match{id, length};
  }
  return std::nullopt;
}

}  // namespace vecdb
