#include "text/load/source_map.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace vecdb {

namespace {

constexpr std::uint64_t k_longest_whole = std::numeric_limits<std::uint32_t>::max();

bool is_byte_for_byte(SourceMap::Step step) { return step.ascii == 0 && step.other == 0; }

// Source bytes of the code points in `text`.
std::uint64_t width_of(std::string_view text, SourceMap::Step step) {
  std::uint64_t width = 0;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x80U) {
      width += step.ascii;
    } else if (value >= 0xC0U) {  // the first of several bytes
      width += step.other;
    }
  }
  return width;
}

}  // namespace

void SourceMap::add_run(std::uint64_t text_bytes, const Run& run, bool continues) {
  if (!continues) m_runs.push_back(run);
  m_text_end += text_bytes;
}

void SourceMap::add_copy(std::uint64_t text_bytes, std::uint64_t source) {
  if (text_bytes == 0) return;
  const bool continues = !m_runs.empty() && m_runs.back().kind == Run::Kind::k_steps &&
                         is_byte_for_byte(m_runs.back().step) && m_source_end == source;
  add_run(text_bytes, {m_text_end, source, 0, {}, Run::Kind::k_steps}, continues);
  m_source_end = source + text_bytes;
}

void SourceMap::add_code_point(std::uint64_t text_bytes, std::uint64_t source,
                               std::uint64_t source_bytes) {
  if (source_bytes == 0 || source_bytes > 0xFFU) {
    return add_whole(text_bytes, {source, source + source_bytes});
  }
  const auto width = static_cast<std::uint8_t>(source_bytes);
  const bool is_ascii = text_bytes == 1;
  // A width that a run has not met yet is 0 there, and is settled by the first that it meets.
  bool continues = !m_runs.empty() && m_runs.back().kind == Run::Kind::k_steps &&
                   !is_byte_for_byte(m_runs.back().step) && m_source_end == source;
  if (continues) {
    std::uint8_t& known = is_ascii ? m_runs.back().step.ascii : m_runs.back().step.other;
    if (known == 0) known = width;
    continues = known == width;
  }
  const Step step = is_ascii ? Step{width, 0} : Step{0, width};
  add_run(text_bytes, {m_text_end, source, 0, step, Run::Kind::k_steps}, continues);
  m_source_end = source + source_bytes;
}

void SourceMap::add_whole(std::uint64_t text_bytes, SourceRange source) {
  if (text_bytes == 0) return;
  const std::uint64_t length = std::min(source.end - source.begin, k_longest_whole);
  add_run(text_bytes,
          {m_text_end, source.begin, static_cast<std::uint32_t>(length), {}, Run::Kind::k_whole},
          false);
  m_source_end = source.begin + length;
}

SourceRange SourceCursor::range_of(std::size_t begin, std::size_t end) {
  if (m_map.is_copy()) return {m_map.m_offset + begin, m_map.m_offset + end};
  assert(begin <= end && end <= m_text.size());
  if (begin == end) {
    const std::uint64_t place =
        begin < m_text.size() ? range_of(begin, begin + 1).begin : m_map.m_source_end;
    return {place, place};
  }
  SourceRange range{std::numeric_limits<std::uint64_t>::max(), 0};
  const std::size_t first = run_at(begin);
  for (std::size_t run = first; run < m_map.m_runs.size(); ++run) {
    const SourceMap::Run& each = m_map.m_runs[run];
    if (each.text >= end) break;
    if (each.kind == SourceMap::Run::Kind::k_whole) {
      // What was put in stands nowhere, unless there is nothing else.
      if (each.whole == 0 && (each.text > begin || end_of(run) < end)) continue;
      range.begin = std::min(range.begin, each.source);
      range.end = std::max(range.end, each.source + each.whole);
    } else {
      const std::size_t from = std::max<std::size_t>(begin, each.text);
      const std::size_t to = std::min<std::size_t>(end, end_of(run));
      range.begin = std::min(range.begin, place_in(run, from));
      range.end = std::max(range.end, place_in(run, to));
    }
  }
  return {std::min(range.begin, range.end), range.end};
}

std::size_t SourceCursor::run_at(std::size_t offset) const {
  const auto next = std::ranges::upper_bound(m_map.m_runs, offset, {}, &SourceMap::Run::text);
  return static_cast<std::size_t>(next - m_map.m_runs.begin()) - 1;  // the first begins at 0
}

std::uint64_t SourceCursor::end_of(std::size_t run) const {
  return run + 1 < m_map.m_runs.size() ? m_map.m_runs[run + 1].text : m_map.m_text_end;
}

// Where a byte at which a code point begins, or the end of the run, stands in the source.
std::uint64_t SourceCursor::place_in(std::size_t run, std::size_t offset) {
  const SourceMap::Run& each = m_map.m_runs[run];
  if (is_byte_for_byte(each.step)) return each.source + (offset - each.text);
  if (!m_started || m_run != run) {
    m_started = true;
    m_run = run;
    m_offset = each.text;
    m_place = each.source;
  }
  if (offset >= m_offset) {
    m_place += width_of(m_text.substr(m_offset, offset - m_offset), each.step);
  } else {  // overlapping chunks step back a little
    m_place -= width_of(m_text.substr(offset, m_offset - offset), each.step);
  }
  m_offset = offset;
  return m_place;
}

}  // namespace vecdb
