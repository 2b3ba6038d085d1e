#include "model/tokenizer/added_tokens.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/utf8.h"
#include "model/tokenizer/unicode_class.h"

namespace vecdb {

namespace {

// Where the white space that ends at `end` starts, `from` at the earliest.
std::size_t start_of_space(std::string_view text, std::size_t from, std::size_t end) {
  while (end > from) {
    std::size_t start = end - 1;
    while ((static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) --start;
    std::size_t offset = start;
    if (!is_white_space(decode_code_point(text, offset))) break;
    end = start;
  }
  return end;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : m_tokens(std::move(tokens)) {
  std::ranges::stable_sort(m_tokens, std::greater{},
                           [](const AddedToken& token) { return token.content.size(); });
  for (const AddedToken& token : m_tokens) {
    assert(!token.content.empty());
    m_starts[static_cast<unsigned char>(token.content.front())] = true;
  }
}

std::optional<AddedTokens::Match> AddedTokens::find(std::string_view text, std::size_t from) const {
  if (m_tokens.empty()) return std::nullopt;
  for (std::size_t at = from; at < text.size(); ++at) {
    if (!m_starts[static_cast<unsigned char>(text[at])]) continue;
    const std::string_view rest = text.substr(at);
    const auto found = std::ranges::find_if(
        m_tokens, [rest](const AddedToken& token) { return rest.starts_with(token.content); });
    if (found == m_tokens.end()) continue;
    return Match{.start = found->takes_space_before ? start_of_space(text, from, at) : at,
                 .end = at + found->content.size(),
                 .id = found->id};
  }
  return std::nullopt;
}

}  // namespace vecdb
