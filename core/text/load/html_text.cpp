#include "text/load/html_text.h"

#include <gumbo.h>

#include <algorithm>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "base/interrupt.h"
#include "text/load/html_aligner.h"
#include "text/load/html_references.h"
#include "text/load/html_shape.h"
#include "text/load/skipped.h"

namespace vecdb {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t k_most = 1000;  // elements open at once, and attributes of a tag
constexpr std::size_t k_tree_bytes = std::size_t{64} << 20U;  // whatever the page's size
constexpr std::size_t k_tree_factor = 100;                    // and so many times its size
constexpr std::size_t k_most_tree_bytes = std::size_t{4} << 30U;
constexpr std::size_t k_charset_within = 4096;

// The memory of one parse. It has a limit, because some pages make a tree of millions of elements
// out of little (each unclosed <font> is made anew in every paragraph), and it is given back all at
// once: gumbo's own destructor calls itself for each level.
//
// gumbo has no way to report that there is no memory. Its frames are C, so that they can be jumped
// out of.
class Heap {
 public:
  explicit Heap(std::size_t limit) : m_limit(limit) {}
  ~Heap() {
    while (m_first != nullptr) release(m_first);
  }
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // The tree lives as long as the heap. Nothing when the limit was met, or at an interrupt.
  const GumboOutput* parse(std::string_view page) {
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = &Heap::allocate;
    options.deallocator = &Heap::deallocate;
    options.userdata = this;
    options.max_errors = 0;
    // NOLINTNEXTLINE(cert-err52-cpp): nothing with a destructor stands between the two ends.
    if (setjmp(m_give_up) != 0) return nullptr;
    return gumbo_parse_with_options(&options, page.data(), page.size());
  }

 private:
  struct alignas(std::max_align_t) Block {
    Block* before;
    Block* after;
    std::size_t size;
  };

  static void* allocate(void* heap, std::size_t size) {
    auto* self = static_cast<Heap*>(heap);
    const std::size_t all = size + sizeof(Block);
    void* memory = nullptr;
    if (all < size || all > self->m_limit - self->m_used || pending_interrupt() != 0 ||
        (memory = std::malloc(all)) == nullptr) {
      std::longjmp(self->m_give_up, 1);  // NOLINT(cert-err52-cpp)
    }
    auto* block = static_cast<Block*>(memory);
    *block = {nullptr, self->m_first, all};
    if (self->m_first != nullptr) self->m_first->before = block;
    self->m_first = block;
    self->m_used += all;
    return block + 1;
  }

  static void deallocate(void* heap, void* memory) {
    if (memory != nullptr) static_cast<Heap*>(heap)->release(static_cast<Block*>(memory) - 1);
  }

  void release(Block* block) {
    m_used -= block->size;
    if (block->after != nullptr) block->after->before = block->before;
    (block->before != nullptr ? block->before->after : m_first) = block->after;
    std::free(block);
  }

  std::size_t m_limit;
  std::size_t m_used = 0;
  Block* m_first = nullptr;
  std::jmp_buf m_give_up{};
};

// What stands between two words, from weak to strong.
enum class Break { k_none, k_space, k_tab, k_line, k_paragraph };

std::string_view text_of(Break what) {
  constexpr std::string_view k_texts[] = {"", " ", "\t", "\n", "\n\n"};
  return k_texts[static_cast<std::size_t>(what)];
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

// Writes words, and between them the strongest break that was asked for.
class Writer {
 public:
  void ask_for(Break what) { m_break = std::max(m_break, what); }

  void ask_for_line() { ask_for(m_break >= Break::k_line ? Break::k_paragraph : Break::k_line); }

  void write_collapsed(const AlignedText& part) {
    for (std::size_t begin = 0; begin < part.text.size();) {
      const bool is_gap = is_space(part.text[begin]);
      std::size_t end = begin + 1;
      while (end < part.text.size() && is_space(part.text[end]) == is_gap) ++end;
      if (is_gap) {
        ask_for(Break::k_space);
      } else {
        write(piece(part, begin, end));
      }
      begin = end;
    }
  }

  void write(const AlignedText& part) {
    if (part.text.empty()) return;
    if (!m_page.text.empty() && m_break != Break::k_none) {
      const std::uint64_t begin = part.source.begin;
      append(text_of(m_break), {std::min(m_last_end, begin), begin});
    }
    m_break = Break::k_none;
    append(part.text, part.source);
    m_last_end = part.source.end;
  }

  HtmlText take() { return std::move(m_page); }

 private:
  static AlignedText piece(const AlignedText& part, std::size_t begin, std::size_t end) {
    const std::string_view text = part.text.substr(begin, end - begin);
    if (part.text.size() != part.source.end - part.source.begin) return {text, part.source};
    return {text, {part.source.begin + begin, part.source.begin + end}};
  }

  void append(std::string_view text, SourceRange source) {
    m_page.text += text;
    if (source.end - source.begin == text.size()) {
      m_page.map.add_copy(text.size(), source.begin);
    } else {
      m_page.map.add_whole(text.size(), source);
    }
  }

  HtmlText m_page;
  Break m_break = Break::k_none;
  std::uint64_t m_last_end = 0;  // of what was written last, in the source
};

bool is_left_out(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_IFRAME:
      return true;
    default:
      return false;
  }
}

// What stands before and behind an element.
Break break_around(const GumboNode& node) {
  switch (node.v.element.tag) {
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_CENTER:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_DIR:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_LEGEND:
    case GUMBO_TAG_LISTING:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_P:
    case GUMBO_TAG_PLAINTEXT:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_TITLE:  // outside <head>
    case GUMBO_TAG_XMP:
      return Break::k_paragraph;
    case GUMBO_TAG_OL:
    case GUMBO_TAG_UL: {
      const GumboNode* parent = node.parent;
      const bool is_nested =
          parent->type == GUMBO_NODE_ELEMENT && parent->v.element.tag == GUMBO_TAG_LI;
      return is_nested ? Break::k_line : Break::k_paragraph;
    }
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DESC:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_FOREIGNOBJECT:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_OPTION:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_TR:
      return Break::k_line;
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
      return Break::k_tab;
    default:
      return Break::k_none;
  }
}

bool keeps_white_space(GumboTag tag) {
  return tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_TEXTAREA || tag == GUMBO_TAG_LISTING ||
         tag == GUMBO_TAG_PLAINTEXT || tag == GUMBO_TAG_XMP;
}

bool is_text(const GumboNode& node) {
  return node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE ||
         node.type == GUMBO_NODE_CDATA;
}

// Of <title>: white space collapsed.
std::string title_text(const GumboNode& title) {
  Writer writer;
  const GumboVector& texts = title.v.element.children;
  for (unsigned i = 0; i < texts.length; ++i) {
    const auto& text = *static_cast<const GumboNode*>(texts.data[i]);
    if (is_text(text)) writer.write_collapsed({text.v.text.text, {}});
  }
  return writer.take().text;
}

// Not that of a picture.
bool is_title(const GumboNode& node) {
  return node.type == GUMBO_NODE_ELEMENT && node.v.element.tag == GUMBO_TAG_TITLE &&
         node.v.element.tag_namespace == GUMBO_NAMESPACE_HTML;
}

std::string title_of(const GumboNode& head) {
  const GumboVector& children = head.v.element.children;
  for (unsigned i = 0; i < children.length; ++i) {
    const auto& child = *static_cast<const GumboNode*>(children.data[i]);
    if (is_title(child)) return title_text(child);
  }
  return {};
}

// Goes through the tree without calling itself.
class Walk {
 public:
  explicit Walk(std::string_view page) : m_page(page) {}

  HtmlText run(const GumboNode& root) {
    enter(root);
    while (!m_open.empty()) {
      const Open top = m_open.back();
      const GumboVector& children = top.node->v.element.children;
      if (top.next == children.length) {
        leave(*top.node);
        continue;
      }
      ++m_open.back().next;
      const auto& child = *static_cast<const GumboNode*>(children.data[top.next]);
      if (is_text(child)) {
        write(child.v.text);
      } else if (child.type == GUMBO_NODE_ELEMENT) {
        enter(child);
      }
    }
    HtmlText result = m_writer.take();
    result.title = std::move(m_title);
    result.language = std::move(m_language);
    return result;
  }

 private:
  struct Open {
    const GumboNode* node;
    unsigned next;  // child
  };

  void enter(const GumboNode& node) {
    const GumboElement& element = node.v.element;
    if (element.tag == GUMBO_TAG_HTML) {
      const GumboAttribute* language = gumbo_get_attribute(&element.attributes, "lang");
      if (language != nullptr) m_language = language->value;
    }
    if (m_title.empty()) {
      if (element.tag == GUMBO_TAG_HEAD) m_title = title_of(node);
      if (is_title(node)) m_title = title_text(node);  // in the wrong place; it is text there too
    }
    if (is_left_out(element.tag)) return;
    if (element.tag == GUMBO_TAG_BR) return m_writer.ask_for_line();
    // A tab stands behind a cell only: the first of a row has none.
    const Break around = break_around(node);
    if (around != Break::k_tab) m_writer.ask_for(around);
    m_verbatim += keeps_white_space(element.tag) ? 1 : 0;
    m_open.push_back({&node, 0});
  }

  void leave(const GumboNode& node) {
    m_writer.ask_for(break_around(node));
    m_verbatim -= keeps_white_space(node.v.element.tag) ? 1 : 0;
    m_open.pop_back();
  }

  void write(const GumboText& text) {
    const GumboStringPiece& original = text.original_text;
    const std::string_view source(original.data, original.length);
    const auto offset = static_cast<std::uint64_t>(original.data - m_page.data());
    for (const AlignedText& part : align_html(text.text, source, offset)) {
      if (m_verbatim > 0) {
        m_writer.write(part);
      } else {
        m_writer.write_collapsed(part);
      }
    }
  }

  std::string_view m_page;
  std::vector<Open> m_open;
  Writer m_writer;
  std::size_t m_verbatim = 0;  // open elements that keep white space
  std::string m_title;
  std::string m_language;
};

}  // namespace

HtmlText read_html(std::string_view original) {
  const std::optional<std::string> bounded = bound_references(original);
  const std::string_view page = bounded ? *bounded : original;
  const HtmlShape shape = html_shape(page, k_most);
  if (shape.depth > k_most) refuse("nests elements deeper than " + std::to_string(k_most));
  if (shape.attributes > k_most) {
    refuse("has a tag with more than " + std::to_string(k_most) + " attributes");
  }
  const std::size_t limit = std::min(k_tree_bytes + k_tree_factor * page.size(), k_most_tree_bytes);
  Heap heap(limit);
  const GumboOutput* output = heap.parse(page);
  if (output == nullptr) {
    refuse(pending_interrupt() != 0
               ? "reading it was interrupted"
               : "its elements take more memory than " + std::to_string(limit) + " bytes");
  }
  return Walk(page).run(*output->root);
}

std::string stated_encoding(std::string_view page) {
  const std::string_view head = page.substr(0, k_charset_within);
  std::string lower(head);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (auto meta = lower.find("<meta"); meta != std::string::npos;
       meta = lower.find("<meta", meta + 1)) {
    const std::string tag = lower.substr(meta, lower.find('>', meta) - meta);
    auto at = tag.find("charset");
    if (at == std::string::npos) continue;
    at = tag.find_first_not_of(" \t\r\n\"'=", at + "charset"sv.size());
    if (at == std::string::npos) continue;
    const std::string name = tag.substr(at, tag.find_first_of(" \t\r\n\"';/", at) - at);
    const bool is_western = name == "iso-8859-1" || name == "latin1" || name == "us-ascii";
    return is_western ? "windows-1252" : name;
  }
  return {};
}

}  // namespace vecdb
