#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/chunk.h"

namespace vecdb {

// Where a separator goes when a text is split at it: away (and back in between the pieces that a
// chunk joins), to the start of the piece after it, or to the end of the piece before it.
enum class KeepSeparator { k_no, k_start, k_end };

enum class SeparatorKind { k_plain, k_regex };

enum class Whitespace { k_strip, k_keep };

// Lengths are Unicode code points.
struct SplitterOptions {
  std::string separator = "\n\n";  // verbatim; empty: between any two code points
  SeparatorKind separator_kind = SeparatorKind::k_plain;
  KeepSeparator keep_separator = KeepSeparator::k_no;
  Whitespace whitespace = Whitespace::k_strip;  // at both ends of a chunk, Python's str.strip()
  std::size_t chunk_size = 1000;                // at least 1
  std::size_t chunk_overlap = 0;                // at most chunk_size

  friend bool operator==(const SplitterOptions&, const SplitterOptions&) = default;
};

class Splitter {
 public:
  virtual ~Splitter() = default;

  // Chunks in order; ranges are byte offsets into `text`, which must be well-formed UTF-8. Linear
  // in the length of the text. Throws k_usage when an expression exceeds PCRE2's limits on this
  // text. Safe to call from several threads.
  virtual std::vector<Chunk> split(std::string_view text) const = 0;
};

// Throws k_usage for options that have no meaning: a size of 0, an overlap over the size, an
// expression that is not valid.
std::unique_ptr<Splitter> make_splitter(const SplitterOptions& options);

// Splits a text as LangChain's CharacterTextSplitter does (langchain-text-splitters 1.1.3, the
// reference for every result): split at the separator, then join neighbouring pieces while they fit
// into chunk_size, carrying up to chunk_overlap from one chunk into the next. A piece that is
// longer than chunk_size is kept whole.
//
// Regular expressions are Python's `re`, run by PCRE2; what PCRE2 would read differently is
// translated, or refused.
class CharacterSplitter final : public Splitter {
 public:
  // See make_splitter().
  explicit CharacterSplitter(SplitterOptions options);
  ~CharacterSplitter() override;

  std::vector<Chunk> split(std::string_view text) const override;

 private:
  struct Regex;  // a compiled expression
  SplitterOptions m_options;
  std::unique_ptr<Regex> m_regex;
};

}  // namespace vecdb
