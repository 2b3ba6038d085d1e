#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace vecdb {

// Half-open, in bytes.
struct SourceRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  friend bool operator==(const SourceRange&, const SourceRange&) = default;
};

// Where the bytes of a text stand in what it was made of: a file in another encoding, a page's
// markup. Made of runs of text without gaps; the places that they lead to may have gaps and need
// not ascend. A text that is a stretch of its source as it stands has no runs, and costs nothing.
class SourceMap {
 public:
  // How a run's text is counted off against its source.
  struct Step {
    std::uint8_t ascii = 0;  // source bytes for an ASCII character
    std::uint8_t other = 0;  // for any other code point; both 0: byte for byte
    friend bool operator==(const Step&, const Step&) = default;
  };

  // A text that is the source's bytes from the first, or from `offset` on.
  SourceMap() = default;
  explicit SourceMap(std::uint64_t offset) : m_offset(offset) {}

  // Each adds a stretch at the text's end. Neighbours that fit together become one run.
  //
  // `text_bytes` that are the source's own from `source` on.
  void add_copy(std::uint64_t text_bytes, std::uint64_t source);
  // One code point of `text_bytes`, which the source writes with `source_bytes`.
  void add_code_point(std::uint64_t text_bytes, std::uint64_t source, std::uint64_t source_bytes);
  // Text that stands for this range as a whole; also for an empty one: text that was put in.
  void add_whole(std::uint64_t text_bytes, SourceRange source);

  // Whether the text is the source's own bytes, all in one piece.
  bool is_copy() const noexcept { return m_runs.empty(); }

 private:
  friend class SourceCursor;
  struct Run {
    std::uint64_t text;    // where it begins
    std::uint64_t source;  // where that stands
    std::uint32_t whole;   // source bytes of a run that is not divided
    Step step;
    enum class Kind : std::uint8_t { k_steps, k_whole } kind;
  };

  void add_run(std::uint64_t text_bytes, const Run& run, bool continues);

  std::uint64_t m_offset = 0;
  std::vector<Run> m_runs;
  std::uint64_t m_text_end = 0;
  std::uint64_t m_source_end = 0;  // of the last run
};

// Asks a map for places, with the text that it was made for. Counts only from where the last call
// stopped, so asking in ascending order costs one pass over the text. Both must outlive it.
class SourceCursor {
 public:
  SourceCursor(const SourceMap& map, std::string_view text) : m_map(map), m_text(text) {}

  // The smallest range of the source that the text's bytes [begin, end) came from; code points, and
  // runs that stand for something as a whole, count whole. `begin` is where a code point begins.
  SourceRange range_of(std::size_t begin, std::size_t end);

 private:
  std::size_t run_at(std::size_t offset) const;
  std::uint64_t end_of(std::size_t run) const;  // of its text
  std::uint64_t place_in(std::size_t run, std::size_t offset);

  const SourceMap& m_map;
  std::string_view m_text;
  std::size_t m_run = 0;  // that the next two are in
  std::size_t m_offset = 0;
  std::uint64_t m_place = 0;
  bool m_started = false;
};

}  // namespace vecdb
