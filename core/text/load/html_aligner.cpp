#include "text/load/html_aligner.h"

#include <algorithm>
#include <utility>

namespace vecdb {

namespace {

// Longer than the longest name, "CounterClockwiseContourIntegral".
constexpr std::size_t k_longest_reference = 40;
// How much must agree after a named reference before its end is believed.
constexpr std::size_t k_lookahead = 12;
// Within <svg> and <math> only; elsewhere it is a comment.
constexpr std::string_view k_cdata_begin = "<![CDATA[";
constexpr std::string_view k_cdata_end = "]]>";

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::size_t code_point_size(std::string_view text) {
  std::size_t size = 1;
  while (size < text.size() && (text[size] & 0xC0) == 0x80) ++size;
  return size;
}

class Aligner {
 public:
  Aligner(std::string_view text, std::string_view source, std::uint64_t offset)
      : m_text(text), m_source(source), m_offset(offset) {}

  std::vector<AlignedText> parts() {
    while (!m_text.empty()) {
      if (!step()) take(m_text.size(), m_source.size());
    }
    return std::move(m_parts);
  }

 private:
  // False when there is no way on.
  bool step() {
    if (m_source.empty()) return false;
    if (m_in_cdata) return step_in_cdata();
    if (m_source.starts_with(k_cdata_begin)) {
      m_in_cdata = true;
      advance(0, k_cdata_begin.size());
      return true;
    }
    const char c = m_source.front();
    if (c == '&') return take_reference();
    if (c == '\r' && m_text.front() == '\n') {
      take(1, m_source.substr(1).starts_with('\n') ? 2 : 1);
      return true;
    }
    if (c == m_text.front()) {
      // Up to the next character that may be another one in the text.
      const auto equal = std::ranges::mismatch(m_text, m_source);
      auto end = static_cast<std::size_t>(equal.in1 - m_text.begin());
      end = std::min(end, m_source.find('&'));
      take(end, end);
      return true;
    }
    if (c == '<') {
      const auto end = m_source.find('>');
      if (end == std::string_view::npos) return false;
      advance(0, end + 1);
      return true;
    }
    if (!is_space(c)) return false;
    advance(0, 1);
    return true;
  }

  // There every byte stands for itself, but for line ends.
  bool step_in_cdata() {
    const std::size_t left = std::min(m_source.find(k_cdata_end), m_source.size());
    const std::string_view content = m_source.substr(0, left);
    if (content.empty()) {
      m_in_cdata = false;
      advance(0, std::min(k_cdata_end.size(), m_source.size()));
      return true;
    }
    if (content.front() == '\r' && m_text.front() == '\n') {
      take(1, content.substr(1).starts_with('\n') ? 2 : 1);
      return true;
    }
    const auto equal = std::ranges::mismatch(m_text, content);
    const auto size = static_cast<std::size_t>(equal.in1 - m_text.begin());
    if (size > 0) take(size, size);
    return size > 0;
  }

  bool take_reference() {
    if (m_source.starts_with("&#")) {
      const std::size_t size = numeric_size();
      if (size > 0) {
        take(code_point_size(m_text), size);
        return true;
      }
    }
    if (m_source.starts_with("&amp") || m_source.starts_with("&AMP")) {
      if (m_text.front() != '&') return false;
      take(1, m_source.substr(4).starts_with(';') ? 5 : 4);
      return true;
    }
    if (m_text.front() == '&') {  // no name stands for an ampersand but the two above
      take(1, 1);
      return true;
    }
    return take_named();
  }

  // Of "&#169;", "&#xA9", …; 0 when it is none.
  std::size_t numeric_size() const {
    std::size_t at = 2;
    const bool is_hex =
        m_source.substr(at).starts_with('x') || m_source.substr(at).starts_with('X');
    if (is_hex) ++at;
    const std::string_view digits = is_hex ? "0123456789abcdefABCDEF" : "0123456789";
    const std::size_t begin = at;
    at = std::min(m_source.find_first_not_of(digits, at), m_source.size());
    if (at == begin) return 0;
    return at + (m_source.substr(at).starts_with(';') ? 1 : 0);
  }

  // One or two code points. Where a name ends without ";" only a table of all names could tell;
  // here it is where the text goes on as the source does.
  bool take_named() {
    std::size_t longest = 1;
    while (longest < std::min(m_source.size(), k_longest_reference) &&
           is_alphanumeric(m_source[longest])) {
      ++longest;
    }
    if (m_source.substr(longest).starts_with(';')) ++longest;
    const std::size_t one = code_point_size(m_text);
    const std::size_t two = one < m_text.size() ? one + code_point_size(m_text.substr(one)) : one;
    for (const std::size_t taken : {one, two}) {
      for (std::size_t size = longest; size > 2; --size) {
        if (!goes_on(taken, size)) continue;
        take(taken, size);
        return true;
      }
    }
    return false;
  }

  bool goes_on(std::size_t taken, std::size_t size) const {
    const std::string_view text = m_text.substr(taken, k_lookahead);
    const std::string_view source = m_source.substr(size, k_lookahead);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (i == source.size()) return false;
      if (source[i] == '&' || source[i] == '<' || source[i] == '\r') return true;
      if (text[i] != source[i]) return false;
    }
    return true;
  }

  void take(std::size_t text_bytes, std::size_t source_bytes) {
    m_parts.push_back({m_text.substr(0, text_bytes), {m_offset, m_offset + source_bytes}});
    advance(text_bytes, source_bytes);
  }

  void advance(std::size_t text_bytes, std::size_t source_bytes) {
    m_text.remove_prefix(text_bytes);
    m_source.remove_prefix(source_bytes);
    m_offset += source_bytes;
  }

  std::string_view m_text;
  std::string_view m_source;
  std::uint64_t m_offset;
  bool m_in_cdata = false;
  std::vector<AlignedText> m_parts;
};

}  // namespace

std::vector<AlignedText> align_html(std::string_view text, std::string_view source,
                                    std::uint64_t offset) {
  return Aligner(text, source, offset).parts();
}

}  // namespace vecdb
