#include "text/split/piece_merger.h"

#include <algorithm>
#include <utility>

#include "text/split/unicode.h"

namespace vecdb {

namespace {

std::string_view slice(std::string_view text, ByteRange range) {
  return text.substr(range.start, range.size());
}

ByteRange cover(ByteRange a, ByteRange b) {
  return {std::min(a.start, b.start), std::max(a.end, b.end)};
}

}  // namespace

PieceMerger::PieceMerger(std::string_view text, const SplitterOptions& options,
                         std::string_view joiner)
    : m_text(text),
      m_options(options),
      m_joiner(joiner),
      m_joiner_length(count_code_points(joiner)),
      m_lines(text) {}

std::size_t PieceMerger::length_with(const Piece& piece) const {
  return m_length + piece.length + (pieces().empty() ? 0 : m_joiner_length);
}

void PieceMerger::drop_front() {
  const Piece& front = m_pieces[m_front];
  m_length -= front.length + (pieces().size() > 1 ? m_joiner_length : 0);
  m_bytes -= front.first.size() + front.second.size();
  ++m_front;
}

void PieceMerger::add(const Piece& piece) {
  if (length_with(piece) > m_options.chunk_size && !pieces().empty()) {
    emit();
    while (m_length > m_options.chunk_overlap ||
           (length_with(piece) > m_options.chunk_size && m_length > 0)) {
      drop_front();
    }
    if (m_front > m_pieces.size() / 2) {  // so that moving the rest costs no more than adding it
      m_pieces.erase(m_pieces.begin(), m_pieces.begin() + static_cast<std::ptrdiff_t>(m_front));
      m_front = 0;
    }
  }
  m_length = length_with(piece);
  m_bytes += piece.first.size() + piece.second.size();
  m_pieces.push_back(piece);
}

std::vector<Chunk> PieceMerger::finish() {
  if (!pieces().empty()) emit();
  return std::move(m_chunks);
}

void PieceMerger::emit() {
  build_runs();
  const Run& last = m_runs.back();
  std::string joined;
  std::string_view view = slice(m_text, last.source);
  if (m_runs.size() > 1) {
    joined.reserve(last.at + last.source.size());
    for (const Run& run : m_runs) {
      if (run.at > joined.size()) joined += m_joiner;
      joined += slice(m_text, run.source);
    }
    view = joined;
  }
  const char* begin = view.data();
  if (m_options.whitespace == Whitespace::k_strip) view = strip_python_space(view);
  if (view.empty()) return;
  const auto kept_start = static_cast<std::size_t>(view.data() - begin);
  ByteRange source = source_of({kept_start, kept_start + view.size()});
  if (source.size() == 0) {  // nothing but the joiner of a match that took no text
    source = cover(m_runs.front().source, last.source);
  }
  m_chunks.push_back({.start = source.start,
                      .end = source.end,
                      .line = m_lines.line_at(source.start),
                      .text = std::string(view)});
}

void PieceMerger::build_runs() {
  m_runs.clear();
  // Pieces between plain separators are at least one apart: no byte too many means exactly one.
  const ByteRange all{pieces().front().first.start, pieces().back().first.end};
  if (m_options.separator_kind == SeparatorKind::k_plain &&
      all.size() == m_bytes + m_joiner.size() * (pieces().size() - 1)) {
    m_runs.push_back({all, 0});
    return;
  }
  for (const Piece& piece : pieces()) {
    append_to_runs(piece.first, m_runs.empty() ? std::string_view() : m_joiner);
    if (piece.second.size() > 0) append_to_runs(piece.second, {});
  }
}

void PieceMerger::append_to_runs(ByteRange source, std::string_view joiner) {
  if (m_runs.empty()) {
    m_runs.push_back({source, 0});
    return;
  }
  Run& last = m_runs.back();
  const bool is_beside = source.start >= last.source.end &&
                         m_text.substr(last.source.end, source.start - last.source.end) == joiner;
  if (is_beside) {
    last.source.end = source.end;
  } else {
    m_runs.push_back({source, last.at + last.source.size() + joiner.size()});
  }
}

// What a part of the joined text, which is not empty, stands for.
ByteRange PieceMerger::source_of(ByteRange joined) const {
  ByteRange covered{m_text.size(), 0};
  for (std::size_t i = 0; i < m_runs.size(); ++i) {
    const Run& run = m_runs[i];
    if (i > 0) {
      const Run& before = m_runs[i - 1];
      const std::size_t joiner_start = before.at + before.source.size();
      if (joined.start < run.at && joined.end > joiner_start && joiner_start < run.at) {
        covered = cover(covered, source_of_joiner(before, run, joined));
      }
    }
    const ByteRange kept{std::max(joined.start, run.at),
                         std::min(joined.end, run.at + run.source.size())};
    if (kept.start < kept.end) {
      const std::size_t shift = run.source.start - run.at;  // may wrap; the sums do not
      covered = cover(covered, {kept.start + shift, kept.end + shift});
    }
  }
  return covered;
}

// A joiner stands for everything between its two runs. Where the kept text begins or ends in it and
// the source has the same bytes at that side, the range does so too.
ByteRange PieceMerger::source_of_joiner(const Run& before, const Run& after,
                                        ByteRange joined) const {
  if (before.source.end > after.source.start) {
    return {after.source.start, before.source.end};  // groups that overlap
  }
  ByteRange gap{before.source.end, after.source.start};
  const std::string_view gap_text = slice(m_text, gap);
  const std::size_t joiner_start = before.at + before.source.size();
  const bool begins_here = joined.start >= joiner_start;
  const bool ends_here = joined.end <= after.at;
  if (ends_here && gap_text.starts_with(m_joiner)) {
    gap.end = gap.start + (joined.end - joiner_start);
    if (begins_here) gap.start += joined.start - joiner_start;
  } else if (begins_here && !ends_here && gap_text.ends_with(m_joiner)) {
    gap.start = gap.end - (after.at - joined.start);
  }
  return gap;
}

}  // namespace vecdb
