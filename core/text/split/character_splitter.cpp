#include "text/split/character_splitter.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "text/split/piece_merger.h"

namespace vecdb {

namespace {

// What stands between the pieces of a chunk. For a regular expression LangChain puts the expression
// itself there, unless it begins with a lookaround.
std::string_view joiner_of(const Separator& separator, const SplitterOptions& options) {
  constexpr std::array<std::string_view, 4> k_lookarounds{"(?=", "(?<!", "(?<=", "(?!"};
  if (options.keep_separator != KeepSeparator::k_no) return {};
  const std::string_view text = separator.text();
  const bool is_lookaround =
      !separator.is_plain() &&
      std::ranges::any_of(k_lookarounds, [&](auto start) { return text.starts_with(start); });
  return is_lookaround ? std::string_view() : text;
}

}  // namespace

CharacterSplitter::CharacterSplitter(SplitterOptions options,
                                     std::shared_ptr<const TextMeasure> measure)
    : m_options(std::move(options)),
      m_measure(std::move(measure)),
      m_separator(m_options.separators.front(), m_options.separator_kind,
                  *m_options.keep_separator) {}

void CharacterSplitter::split(std::string_view text, const ChunkSink& take) const {
  ChunkWriter chunks(text, take);
  PieceMerger merger(chunks, m_options, m_measure.get(), joiner_of(m_separator, m_options));
  std::string joined;
  m_separator.split(text, [&](const Piece& piece) {
    merger.add(piece, length_of(text_of(piece, text, joined), m_measure.get()));
  });
  merger.flush();
}

}  // namespace vecdb
