#include "text/split/separator.h"

#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/split/python_regex.h"

namespace vecdb {

namespace {

void hand_out(ByteRange range, const Separator::PieceSink& sink) {
  if (range.size() > 0) sink({.first = range});
}

void split_between_code_points(std::string_view text, const Separator::PieceSink& sink) {
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t start = offset;
    decode_code_point(text, offset);
    sink({.first = {start, offset}});
  }
}

// Makes pieces of the list that Python's re.split returns: text, separator, text, … A separator may
// be followed by the expression's own groups, and then what LangChain pairs up is no longer
// separator and text; the pairs are made as it makes them.
class PieceMaker {
 public:
  PieceMaker(std::string_view expression, KeepSeparator keep, const Separator::PieceSink& sink)
      : m_expression(expression), m_keep(keep), m_sink(sink) {}

  void add(std::optional<ByteRange> element) {
    const bool is_even = m_count++ % 2 == 0;
    switch (m_keep) {
      case KeepSeparator::k_no:
        if (element) hand_out(*element, m_sink);
        break;
      case KeepSeparator::k_start:
        if (m_count == 1) {
          hand_out(*element, m_sink);
        } else {
          pair(element, is_even);
        }
        break;
      case KeepSeparator::k_end:
        pair(element, !is_even);
        break;
    }
  }

  // `last` is the text after the last separator.
  void finish(ByteRange last) {
    add(last);
    const bool is_even = m_count % 2 == 0;
    if (is_even && m_keep == KeepSeparator::k_start) fail("leave one over");
    if (m_keep == KeepSeparator::k_end) {
      if (is_even) hand_out(last, m_sink);
      hand_out(last, m_sink);
    }
  }

 private:
  void pair(std::optional<ByteRange> element, bool is_second) {
    if (!is_second) {
      m_first = element;
      return;
    }
    if (!m_first || !element) fail("are empty in a match");
    hand_out_both(*m_first, *element);
  }

  void hand_out_both(ByteRange first, ByteRange second) {
    if (first.size() == 0) std::swap(first, second);
    if (first.size() == 0) return;
    if (first.end == second.start) {
      first.end = second.end;
      second = {};
    }
    m_sink({.first = first, .second = second});
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::k_io,
                separator_flag(m_expression) + ": its groups " + why +
                    ", so that they cannot be put together with the text; write them as (?:...)");
  }

  std::string_view m_expression;
  KeepSeparator m_keep;
  const Separator::PieceSink& m_sink;
  std::size_t m_count = 0;
  std::optional<ByteRange> m_first;
};

}  // namespace

std::string_view text_of(const Piece& piece, std::string_view text, std::string& joined) {
  if (piece.is_one_stretch()) return slice(text, piece.first);
  joined = slice(text, piece.first);
  return joined += slice(text, piece.second);
}

bool is_literal(std::string_view expression) {
  return expression.find_first_of("\\^$.|?*+()[]{}") == std::string_view::npos;
}

std::size_t find_string(std::string_view text, std::string_view string, std::size_t offset) {
  if (offset >= text.size()) return std::string_view::npos;
  const char* begin = text.data() + offset;
  const std::size_t size = text.size() - offset;
  const void* found = string.size() == 1 ? std::memchr(begin, string[0], size)
                                         : ::memmem(begin, size, string.data(), string.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

Separator::Separator(std::string text, SeparatorKind kind, KeepSeparator keep)
    : m_text(std::move(text)), m_keep(keep) {
  if (kind == SeparatorKind::k_plain || is_literal(m_text)) return;
  const auto whole = keep == KeepSeparator::k_no ? WholeMatch::k_plain : WholeMatch::k_captured;
  m_regex = std::make_unique<PythonRegex>(m_text, whole);
}

Separator::Separator(Separator&&) noexcept = default;
Separator::~Separator() = default;

void Separator::split(std::string_view text, const PieceSink& sink) const {
  if (m_regex) return split_at_regex(text, sink);
  if (m_text.empty()) return split_between_code_points(text, sink);
  split_at_string(text, sink);
}

void Separator::split_at_string(std::string_view text, const PieceSink& sink) const {
  std::size_t last = 0;
  for (std::size_t searched = 0;;) {
    const std::size_t found = find_string(text, m_text, searched);
    if (found == std::string_view::npos) break;
    searched = found + m_text.size();
    hand_out({last, m_keep == KeepSeparator::k_end ? searched : found}, sink);
    last = m_keep == KeepSeparator::k_start ? found : searched;
  }
  hand_out({last, text.size()}, sink);
}

void Separator::split_at_regex(std::string_view text, const PieceSink& sink) const {
  PieceMaker pieces(m_text, m_keep, sink);
  RegexMatches matches(*m_regex, text);
  std::size_t last = 0;
  while (matches.next()) {
    const ByteRange match = *matches.group(0);
    pieces.add(ByteRange{last, match.start});
    for (std::size_t i = 1; i <= matches.group_count(); ++i) pieces.add(matches.group(i));
    last = match.end;
  }
  pieces.finish({last, text.size()});
}

}  // namespace vecdb
