#include "text/split/recursive_splitter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "text/split/piece_merger.h"
#include "text/split/python_regex.h"
#include "text/split/text_breaker.h"

namespace vecdb {

class RecursiveSplitter::Level {
 public:
  Level(const std::string& separator, const SplitterOptions& options)
      : m_separator(separator, options.separator_kind, *options.keep_separator) {
    // Not the separator's own expression, in which a kept separator shifts the numbers of groups.
    if (!m_separator.is_plain()) {
      m_search = std::make_unique<PythonRegex>(separator, WholeMatch::k_plain);
    }
  }

  const Separator& separator() const { return m_separator; }

  bool occurs_in(std::string_view text) const {
    if (m_search) return RegexMatches(*m_search, text).next();
    return m_separator.text().empty() ||
           find_string(text, m_separator.text(), 0) != std::string_view::npos;
  }

 private:
  Separator m_separator;
  std::unique_ptr<PythonRegex> m_search;
};

class RecursiveSplitter::Run {
 public:
  Run(const RecursiveSplitter& splitter, ChunkWriter& chunks)
      : m_splitter(splitter), m_chunks(chunks), m_mergers(splitter.m_levels.size()) {}

  // Splits a part of the text at the separators from number `first` on. As deep as there are
  // separators.
  void split(ByteRange range, std::size_t first) {
    const std::string_view text = slice(m_chunks.text(), range);
    const auto& levels = m_splitter.m_levels;
    std::size_t chosen = first;
    while (chosen < levels.size() && !levels[chosen].occurs_in(text)) ++chosen;
    // Where none occurs LangChain takes the last one, which then is the joiner of a single piece.
    const std::size_t level = std::min(chosen, levels.size() - 1);
    const bool is_last = chosen >= levels.size() || levels[level].separator().text().empty();
    PieceMerger& merger = merger_at(level);
    levels[level].separator().split(text, [&](const Piece& in_part) {
      const Piece piece = in_part.shifted(range.start);
      const std::size_t length = length_of_piece(piece);
      if (length < *m_splitter.m_options.chunk_size) {
        merger.add(piece, length);
        return;
      }
      merger.flush();
      split_long(piece, length, is_last ? levels.size() : level + 1);
    });
    merger.flush();
  }

 private:
  // `next`: number of the first separator to try.
  void split_long(const Piece& piece, std::size_t length, std::size_t next) {
    if (next == m_splitter.m_levels.size() && !must_break(length)) {
      std::string joined;
      m_chunks.write(piece.covered(), text_of(piece, m_chunks.text(), joined));
    } else if (piece.is_one_stretch()) {
      if (next < m_splitter.m_levels.size()) return split(piece.first, next);
      break_up(piece.first);
    } else {
      split_joined(piece, length, next);
    }
  }

  // What is put together from two stretches is a text of its own, whose chunks are then found again
  // in the source.
  void split_joined(const Piece& piece, std::size_t length, std::size_t next) {
    std::string joined;
    const std::size_t seam = piece.first.size();
    const ChunkSink take = [&](const Chunk& chunk) {
      ByteRange source;
      source.start = chunk.start < seam ? piece.first.start + chunk.start
                                        : piece.second.start + (chunk.start - seam);
      source.end = chunk.end <= seam ? piece.first.start + chunk.end
                                     : piece.second.start + (chunk.end - seam);
      if (chunk.start < seam && chunk.end > seam) {
        source = cover({source.start, piece.first.end}, {piece.second.start, source.end});
      }
      m_chunks.write(source, chunk.text);
    };
    ChunkWriter chunks(text_of(piece, m_chunks.text(), joined), take);
    Run(m_splitter, chunks).split_long({{0, joined.size()}}, length, next);
  }

  // LangChain keeps such a piece; a measure stands for a window, in which it would not fit.
  bool must_break(std::size_t length) const {
    return m_splitter.m_measure && length > *m_splitter.m_options.chunk_size;
  }

  void break_up(ByteRange range) {
    const SplitterOptions& options = m_splitter.m_options;
    const TextMeasure* measure = m_splitter.m_measure.get();
    PieceMerger merger(m_chunks, options, measure, {});
    TextBreaker(*options.chunk_size, measure)
        .split(slice(m_chunks.text(), range), [&](ByteRange part, std::size_t length) {
          merger.add({part.shifted(range.start)}, length);
        });
    merger.flush();
  }

  std::size_t length_of_piece(const Piece& piece) const {
    std::string joined;
    return length_of(text_of(piece, m_chunks.text(), joined), m_splitter.m_measure.get());
  }

  PieceMerger& merger_at(std::size_t level) {
    auto& merger = m_mergers[level];
    if (!merger) {
      const SplitterOptions& options = m_splitter.m_options;
      const bool keeps = options.keep_separator != KeepSeparator::k_no;
      merger = std::make_unique<PieceMerger>(
          m_chunks, options, m_splitter.m_measure.get(),
          keeps ? std::string_view() : m_splitter.m_levels[level].separator().text());
    }
    return *merger;
  }

  const RecursiveSplitter& m_splitter;
  ChunkWriter& m_chunks;
  std::vector<std::unique_ptr<PieceMerger>> m_mergers;  // of each level, made when it is used
};

RecursiveSplitter::RecursiveSplitter(SplitterOptions options,
                                     std::shared_ptr<const TextMeasure> measure)
    : m_options(std::move(options)), m_measure(std::move(measure)) {
  for (const std::string& separator : m_options.separators) {
    m_levels.emplace_back(separator, m_options);
  }
}

RecursiveSplitter::~RecursiveSplitter() = default;

void RecursiveSplitter::split(std::string_view text, const ChunkSink& take) const {
  ChunkWriter chunks(text, take);
  if (!text.empty()) Run(*this, chunks).split({0, text.size()}, 0);
}

}  // namespace vecdb
