#include "text/split/piece_merger.h"

#include <algorithm>
#include <utility>

#include "text/split/unicode.h"

namespace vecdb {

PieceMerger::PieceMerger(ChunkWriter& chunks, const SplitterOptions& options,
                         const TextMeasure* measure, std::string_view joiner)
    : m_chunks(chunks),
      m_options(options),
      m_measure(measure),
      m_joiner(joiner),
      m_joiner_length(length_of(joiner, measure)) {}

std::size_t PieceMerger::length_with(std::size_t length) const {
  return m_length + length + (pieces().empty() ? 0 : m_joiner_length);
}

void PieceMerger::drop_front() {
  m_length -= m_pieces[m_front].length + (pieces().size() > 1 ? m_joiner_length : 0);
  ++m_front;
}

void PieceMerger::add(const Piece& piece, std::size_t length) {
  if (length_with(length) > *m_options.chunk_size && !pieces().empty()) {
    emit();
    while (m_length > m_options.chunk_overlap ||
           (length_with(length) > *m_options.chunk_size && m_length > 0)) {
      drop_front();
    }
    if (m_front > m_pieces.size() / 2) {  // so that moving the rest costs no more than adding it
      m_pieces.erase(m_pieces.begin(), m_pieces.begin() + static_cast<std::ptrdiff_t>(m_front));
      m_front = 0;
    }
  }
  const std::size_t all = length_with(length);
  if (!extend_last(piece, length)) m_pieces.push_back({piece, length});
  m_length = all;
}

// Where nothing asks for the pieces of a chunk again, those that stand in the text as they are
// joined are held as one: a large chunk may have millions.
bool PieceMerger::extend_last(const Piece& piece, std::size_t length) {
  if (m_options.chunk_overlap > 0 || m_measure != nullptr || pieces().empty()) return false;
  Measured& last = m_pieces.back();
  if (!last.piece.is_one_stretch() || !piece.is_one_stretch() ||
      !is_joined_at(last.piece.first.end, piece.first.start, m_joiner)) {
    return false;
  }
  last.piece.first.end = piece.first.end;
  last.length += m_joiner_length + length;
  return true;
}

// Whether what ends at `end` and what starts at `start` have the joiner in between in the text.
bool PieceMerger::is_joined_at(std::size_t end, std::size_t start, std::string_view joiner) const {
  return start == end + joiner.size() && slice(m_chunks.text(), {end, start}) == joiner;
}

void PieceMerger::flush() {
  if (!pieces().empty()) emit();
  m_pieces.clear();
  m_front = 0;
  m_length = 0;
}

// By a measure the whole may be longer than its parts and joiners together. Then it becomes several
// chunks, each of as many pieces as fit.
void PieceMerger::emit() {
  std::span<const Measured> rest = pieces();
  while (m_measure != nullptr && !fits(rest)) {
    const std::size_t count = count_fitting(rest);
    write(rest.first(count));
    rest = rest.subspan(count);
    if (rest.empty()) return;
  }
  write(rest);
}

bool PieceMerger::fits(std::span<const Measured> pieces) {
  std::string_view text = join(pieces);
  if (m_options.whitespace == Whitespace::k_strip) text = strip_python_space(text);
  return length_of(text, m_measure) <= *m_options.chunk_size;
}

// At least one. Looks at little more than those that fit, however many there are.
std::size_t PieceMerger::count_fitting(std::span<const Measured> pieces) {
  std::size_t least = 1;
  std::size_t most = 2;  // the first count that is known not to fit, or past the end
  while (most <= pieces.size() && fits(pieces.first(most))) {
    least = most;
    most *= 2;
  }
  most = std::min(most, pieces.size() + 1);
  while (most - least > 1) {
    const std::size_t middle = least + (most - least) / 2;
    (fits(pieces.first(middle)) ? least : most) = middle;
  }
  return least;
}

void PieceMerger::write(std::span<const Measured> pieces) {
  std::string_view view = join(pieces);
  const char* begin = view.data();
  if (m_options.whitespace == Whitespace::k_strip) view = strip_python_space(view);
  if (view.empty()) return;
  const auto kept_start = static_cast<std::size_t>(view.data() - begin);
  ByteRange source = source_of({kept_start, kept_start + view.size()});
  if (source.size() == 0) {  // nothing but the joiner of a match that took no text
    source = cover(m_runs.front().source, m_runs.back().source);
  }
  m_chunks.write(source, view);
}

// Their text, until the next call.
std::string_view PieceMerger::join(std::span<const Measured> pieces) {
  build_runs(pieces);
  const Run& last = m_runs.back();
  if (m_runs.size() == 1) return slice(m_chunks.text(), last.source);
  m_joined.clear();
  m_joined.reserve(last.at + last.source.size());
  for (const Run& run : m_runs) {
    if (run.at > m_joined.size()) m_joined += m_joiner;
    m_joined += slice(m_chunks.text(), run.source);
  }
  return m_joined;
}

void PieceMerger::build_runs(std::span<const Measured> pieces) {
  m_runs.clear();
  for (const Measured& measured : pieces) {
    append_to_runs(measured.piece.first, m_runs.empty() ? std::string_view() : m_joiner);
    if (!measured.piece.is_one_stretch()) append_to_runs(measured.piece.second, {});
  }
}

void PieceMerger::append_to_runs(ByteRange source, std::string_view joiner) {
  if (m_runs.empty()) {
    m_runs.push_back({source, 0});
    return;
  }
  Run& last = m_runs.back();
  if (is_joined_at(last.source.end, source.start, joiner)) {
    last.source.end = source.end;
  } else {
    m_runs.push_back({source, last.at + last.source.size() + joiner.size()});
  }
}

// What a part of the joined text, which is not empty, stands for.
ByteRange PieceMerger::source_of(ByteRange joined) const {
  ByteRange covered{m_chunks.text().size(), 0};
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
  const std::string_view gap_text = slice(m_chunks.text(), gap);
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
