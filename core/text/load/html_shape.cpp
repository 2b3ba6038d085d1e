#include "text/load/html_shape.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace vecdb {

namespace {

using namespace std::string_view_literals;

constexpr std::array k_not_counted{
    "area"sv, "base"sv,  "br"sv,    "col"sv,   "colgroup"sv, "dd"sv,    "dt"sv,     "embed"sv,
    "hr"sv,   "img"sv,   "input"sv, "li"sv,    "link"sv,     "meta"sv,  "option"sv, "optgroup"sv,
    "p"sv,    "param"sv, "rp"sv,    "rt"sv,    "source"sv,   "tbody"sv, "td"sv,     "tfoot"sv,
    "th"sv,   "thead"sv, "tr"sv,    "track"sv, "wbr"sv};

// Their content holds no tags.
constexpr std::array k_raw{"script"sv, "style"sv,   "textarea"sv, "title"sv,
                           "iframe"sv, "noembed"sv, "noframes"sv, "xmp"sv};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

class Scanner {
 public:
  Scanner(std::string_view page, std::size_t most) : m_page(page), m_most(most) {}

  HtmlShape shape() {
    while (std::max(m_shape.depth, m_shape.attributes) <= m_most) {
      m_at = m_page.find('<', m_at);
      if (m_at == std::string_view::npos) break;
      ++m_at;
      if (m_page.substr(m_at).starts_with("!--")) {
        pass("-->");
      } else if (m_page.substr(m_at).starts_with('/')) {
        ++m_at;
        close(name());
      } else if (std::string tag = name(); !tag.empty()) {
        open(std::move(tag));
      }
    }
    return m_shape;
  }

 private:
  void pass(std::string_view end) {
    const auto found = m_page.find(end, m_at);
    m_at = found == std::string_view::npos ? m_page.size() : found + end.size();
  }

  // Of the tag that begins here; empty when none does.
  std::string name() {
    std::string text;
    while (m_at < m_page.size() && (!text.empty() || is_letter(m_page[m_at])) &&
           " \t\r\n\f/>"sv.find(m_page[m_at]) == std::string_view::npos) {
      text += lower(m_page[m_at++]);
    }
    return text;
  }

  static bool is_space(char c) { return " \t\r\n\f"sv.find(c) != std::string_view::npos; }

  static bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

  void open(std::string tag) {
    const bool closes_itself = pass_attributes();
    if (std::ranges::count(k_raw, tag) > 0) return pass_raw(tag);
    if (closes_itself && m_foreign > 0) return;
    if (std::ranges::count(k_not_counted, tag) > 0) return;
    if (tag == "svg" || tag == "math") ++m_foreign;
    m_open.push_back(std::move(tag));
    m_shape.depth = std::max(m_shape.depth, m_open.size());
  }

  void close(const std::string& tag) {
    const auto found = std::find(m_open.rbegin(), m_open.rend(), tag);
    if (found == m_open.rend()) return;
    for (auto each = m_open.rbegin(); each != std::next(found); ++each) {
      if (*each == "svg" || *each == "math") --m_foreign;
    }
    m_open.erase(std::next(found).base(), m_open.end());
  }

  // Up to the tag's end; whether it ends with "/>". A ">" in quotes does not end it.
  bool pass_attributes() {
    std::size_t attributes = 0;
    bool is_between = true;
    for (char before = ' '; m_at < m_page.size();) {
      const char c = m_page[m_at++];
      if (c == '>') return before == '/';
      const bool was_between =
          std::exchange(is_between, is_space(c) || c == '/' || c == '"' || c == '\'');
      if (was_between && !is_between && c != '=' && before != '=') {
        m_shape.attributes = std::max(m_shape.attributes, ++attributes);
      }
      if ((c == '"' || c == '\'') && before == '=') {
        const auto end = m_page.find(c, m_at);
        m_at = end == std::string_view::npos ? m_page.size() : end + 1;
      }
      if (!is_space(c)) before = c;
    }
    return false;
  }

  // To where the end tag of `tag` begins.
  void pass_raw(std::string_view tag) {
    for (;;) {
      m_at = m_page.find("</", m_at);
      if (m_at == std::string_view::npos) break;
      const std::string_view name = m_page.substr(m_at + 2, tag.size());
      if (std::ranges::equal(name, tag, {}, lower)) return;
      m_at += 2;
    }
    m_at = m_page.size();
  }

  std::string_view m_page;
  std::size_t m_most;
  std::size_t m_at = 0;
  HtmlShape m_shape;
  std::size_t m_foreign = 0;  // open <svg> and <math>, in which "/>" ends an element
  std::vector<std::string> m_open;
};

}  // namespace

HtmlShape html_shape(std::string_view page, std::size_t most) {
  return Scanner(page, most).shape();
}

}  // namespace vecdb
