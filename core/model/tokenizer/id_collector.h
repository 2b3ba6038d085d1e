#pragma once

#include <cstddef>
#include <utility>

#include "model/tokenizer/tokenizer.h"

namespace vecdb {

// Collects the ids of one text: keeps those that fit into the window and counts the others.
class IdCollector {
 public:
  explicit IdCollector(std::size_t window) : m_window(window) {}

  void add(TokenId id) {
    if (m_tokens.ids.size() < m_window) m_tokens.ids.push_back(id);
    ++m_tokens.full_length;
  }
  Tokens take() { return std::move(m_tokens); }

 private:
  std::size_t m_window;
  Tokens m_tokens;
};

}  // namespace vecdb
