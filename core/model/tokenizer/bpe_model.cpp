#include "model/tokenizer/bpe_model.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <tuple>

#include "base/utf8.h"

namespace vecdb {

BpeModel::BpeModel(const BpeParts& parts)
    : m_alphabet(parts.alphabet), m_unknown(parts.unknown), m_fuse_unknown(parts.fuse_unknown) {
  std::uint32_t highest = 0;
  for (const auto& symbol : parts.symbols) highest = std::max(highest, symbol.value);
  m_symbols.assign(std::size_t{highest} + 1, k_free);
  for (const auto& symbol : parts.symbols) {
    TokenId& id = m_symbols[symbol.value];
    if (id == k_free) id = symbol.id;
  }

  m_slots.resize(std::bit_ceil(2 * parts.merges.size() + 1));
  std::uint32_t rank = 0;
  for (const auto& [left, right, merged] : parts.merges) {
    Slot& slot = m_slots[slot_of(left, right)];
    if (slot.left == k_free) slot = {left, right, merged, rank};
    ++rank;
  }
}

// Where the pair is, or would be put.
std::size_t BpeModel::slot_of(TokenId left, TokenId right) const {
  const std::uint64_t key =
      std::uint64_t{static_cast<std::uint32_t>(left)} << 32U | static_cast<std::uint32_t>(right);
  const std::size_t mask = m_slots.size() - 1;
  std::size_t slot = (key * 0x9E3779B97F4A7C15U) >> 32U & mask;  // Fibonacci hashing
  while (m_slots[slot].left != k_free &&
         (m_slots[slot].left != left || m_slots[slot].right != right)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

const BpeModel::Slot* BpeModel::find_merge(TokenId left, TokenId right) const {
  const Slot& slot = m_slots[slot_of(left, right)];
  return slot.left == k_free ? nullptr : &slot;
}

void BpeModel::add_symbols(std::string_view text, std::vector<TokenId>& symbols) const {
  bool after_unknown = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t value = m_alphabet == BpeAlphabet::k_bytes
                                    ? static_cast<unsigned char>(text[at++])
                                    : decode_code_point(text, at);
    const TokenId id = value < m_symbols.size() ? m_symbols[value] : k_free;
    const bool unknown = id == k_free;
    if (!unknown) {
      symbols.push_back(id);
    } else if (m_unknown && !(after_unknown && m_fuse_unknown)) {
      symbols.push_back(*m_unknown);
    }
    after_unknown = unknown;
  }
}

// The symbols of one word as a list in which neighbours are merged, and the merges that wait.
class BpeModel::Word {
 public:
  Word(const BpeModel& model, const std::vector<TokenId>& symbols) : m_model(model) {
    m_symbols.reserve(symbols.size());
    for (std::size_t i = 0; i < symbols.size(); ++i)
      m_symbols.push_back({symbols[i], i - 1, i + 1});
    std::vector<Waiting> waiting;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      if (const auto found = find(i)) waiting.push_back(*found);
    }
    m_waiting = std::priority_queue<Waiting>({}, std::move(waiting));
  }

  void merge() {
    while (!m_waiting.empty()) {
      const Waiting next = m_waiting.top();
      m_waiting.pop();
      if (is_still_there(next)) apply(next);
    }
  }

  void add_to(IdCollector& ids) const {
    for (std::size_t i = 0; i < m_symbols.size(); i = m_symbols[i].next) ids.add(m_symbols[i].id);
  }

 private:
  struct Symbol {
    TokenId id = 0;  // k_free once it is part of the one before it
    std::size_t previous = 0;
    std::size_t next = 0;  // the number of symbols at the end
  };
  struct Waiting {
    std::uint32_t rank = 0;  // the merge's; a copy, since it is what is compared
    std::size_t at = 0;      // of the left one
    const Slot* merge = nullptr;

    // In std::priority_queue the greatest is the next.
    bool operator<(const Waiting& other) const {
      return std::tie(rank, at) > std::tie(other.rank, other.at);
    }
  };

  std::optional<Waiting> find(std::size_t at) const {
    const std::size_t next = m_symbols[at].next;
    if (next == m_symbols.size()) return std::nullopt;
    const Slot* merge = m_model.find_merge(m_symbols[at].id, m_symbols[next].id);
    return merge == nullptr ? std::nullopt : std::optional(Waiting{merge->rank, at, merge});
  }

  bool is_still_there(const Waiting& waiting) const {
    const Symbol& left = m_symbols[waiting.at];
    return left.id == waiting.merge->left && left.next < m_symbols.size() &&
           m_symbols[left.next].id == waiting.merge->right;
  }

  void apply(const Waiting& waiting) {
    Symbol& left = m_symbols[waiting.at];
    Symbol& right = m_symbols[left.next];
    left.id = waiting.merge->merged;
    left.next = right.next;
    right.id = k_free;
    if (left.next < m_symbols.size()) m_symbols[left.next].previous = waiting.at;
    if (waiting.at > 0) wait(find(left.previous));
    wait(find(waiting.at));
  }

  void wait(const std::optional<Waiting>& found) {
    if (found) m_waiting.push(*found);
  }

  const BpeModel& m_model;
  std::vector<Symbol> m_symbols;
  std::priority_queue<Waiting> m_waiting;
};

void BpeModel::add_word(std::string_view text, IdCollector& ids) const {
  std::vector<TokenId> symbols;
  symbols.reserve(text.size());
  add_symbols(text, symbols);
  Word word(*this, symbols);
  word.merge();
  word.add_to(ids);
}

}  // namespace vecdb
