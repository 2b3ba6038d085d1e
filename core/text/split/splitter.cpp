#include "text/split/splitter.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/split/piece_merger.h"
#include "text/split/python_regex.h"

namespace vecdb {

struct CharacterSplitter::Regex : PythonRegex {
  using PythonRegex::PythonRegex;
};

namespace {

bool keeps_separator(const SplitterOptions& options) {
  return options.keep_separator != KeepSeparator::k_no;
}

bool is_regex(const SplitterOptions& options) {
  return options.separator_kind == SeparatorKind::k_regex && !options.separator.empty();
}

// What stands between the pieces of a chunk. For a regular expression LangChain puts the expression
// itself there, unless it begins with a lookaround.
std::string_view joiner_of(const SplitterOptions& options) {
  constexpr std::array<std::string_view, 4> k_lookarounds{"(?=", "(?<!", "(?<=", "(?!"};
  if (keeps_separator(options)) return {};
  if (is_regex(options)) {
    for (const auto lookaround : k_lookarounds) {
      if (options.separator.starts_with(lookaround)) return {};
    }
  }
  return options.separator;
}

// Makes pieces of the list that Python's re.split returns: text, separator, text, … A separator may
// be followed by the expression's own groups, and then what LangChain pairs up is no longer
// separator and text; the pairs are made as it makes them.
class PieceMaker {
 public:
  PieceMaker(std::string_view text, const SplitterOptions& options)
      : m_text(text), m_options(options), m_merger(text, options, joiner_of(options)) {}

  void add(std::optional<ByteRange> element) {
    const bool is_even = m_count++ % 2 == 0;
    switch (m_options.keep_separator) {
      case KeepSeparator::k_no:
        if (element) merge(*element, {});
        break;
      case KeepSeparator::k_start:
        if (m_count == 1) {
          merge(*element, {});
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
  std::vector<Chunk> finish(ByteRange last) {
    add(last);
    const bool is_even = m_count % 2 == 0;
    if (is_even && m_options.keep_separator == KeepSeparator::k_start) fail("leave one over");
    if (m_options.keep_separator == KeepSeparator::k_end) {
      if (is_even) merge(last, {});
      merge(last, {});
    }
    return m_merger.finish();
  }

 private:
  void pair(std::optional<ByteRange> element, bool is_second) {
    if (!is_second) {
      m_first = element;
      return;
    }
    if (!m_first || !element) fail("are empty in a match");
    merge(*m_first, *element);
  }

  void merge(ByteRange first, ByteRange second) {
    if (first.size() == 0) std::swap(first, second);
    if (first.size() == 0) return;
    if (first.end == second.start) {
      first.end = second.end;
      second = {};
    }
    m_merger.add({.first = first, .second = second, .length = length(first) + length(second)});
  }

  std::size_t length(ByteRange range) const {
    return count_code_points(m_text.substr(range.start, range.size()));
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::k_usage,
                "--keep-separator: the groups of the --separator " + why +
                    ", so that they cannot be put together with the text; write them as (?:...)");
  }

  std::string_view m_text;
  const SplitterOptions& m_options;
  PieceMerger m_merger;
  std::size_t m_count = 0;
  std::optional<ByteRange> m_first;
};

std::vector<Chunk> split_between_code_points(std::string_view text,
                                             const SplitterOptions& options) {
  PieceMerger merger(text, options, {});
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t start = offset;
    decode_code_point(text, offset);
    merger.add({.first = {start, offset}, .second = {}, .length = 1});
  }
  return merger.finish();
}

std::vector<Chunk> split_at_string(std::string_view text, const SplitterOptions& options) {
  const std::string& separator = options.separator;
  PieceMaker pieces(text, options);
  std::size_t last = 0;
  while (last < text.size()) {
    // Not string_view::find, which is quadratic on text that is made for it.
    const void* found =
        ::memmem(text.data() + last, text.size() - last, separator.data(), separator.size());
    if (found == nullptr) break;
    const auto start = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    pieces.add(ByteRange{last, start});
    last = start + separator.size();
    if (keeps_separator(options)) pieces.add(ByteRange{start, last});
  }
  return pieces.finish({last, text.size()});
}

std::vector<Chunk> split_at_regex(std::string_view text, const PythonRegex& regex,
                                  const SplitterOptions& options) {
  PieceMaker pieces(text, options);
  RegexMatches matches(regex, text);
  std::size_t last = 0;
  while (matches.next()) {
    const ByteRange match = *matches.group(0);
    pieces.add(ByteRange{last, match.start});
    for (std::size_t i = 1; i <= matches.group_count(); ++i) pieces.add(matches.group(i));
    last = match.end;
  }
  return pieces.finish({last, text.size()});
}

void check(const SplitterOptions& options) {
  if (options.chunk_size == 0) {
    throw Error(ErrorKind::k_usage, "--chunk-size 0: holds no text; give at least 1");
  }
  if (options.chunk_overlap > options.chunk_size) {
    throw Error(ErrorKind::k_usage, "--chunk-overlap " + std::to_string(options.chunk_overlap) +
                                        ": is larger than --chunk-size " +
                                        std::to_string(options.chunk_size) + "; make it smaller");
  }
  if (const auto offset = find_invalid_utf8(options.separator)) {
    throw Error(ErrorKind::k_usage, "--separator: is not UTF-8: byte " + std::to_string(*offset) +
                                        "; give it in UTF-8");
  }
}

}  // namespace

std::unique_ptr<Splitter> make_splitter(const SplitterOptions& options) {
  return std::make_unique<CharacterSplitter>(options);
}

CharacterSplitter::CharacterSplitter(SplitterOptions options) : m_options(std::move(options)) {
  check(m_options);
  if (is_regex(m_options)) {
    const auto whole = keeps_separator(m_options) ? WholeMatch::k_captured : WholeMatch::k_plain;
    m_regex = std::make_unique<Regex>(m_options.separator, whole);
  }
}

CharacterSplitter::~CharacterSplitter() = default;

std::vector<Chunk> CharacterSplitter::split(std::string_view text) const {
  if (m_regex) return split_at_regex(text, *m_regex, m_options);
  if (m_options.separator.empty()) return split_between_code_points(text, m_options);
  return split_at_string(text, m_options);
}

}  // namespace vecdb
