#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/chunk.h"
#include "text/split/text_measure.h"

namespace vecdb {

enum class SplitterKind { k_character, k_recursive, k_sentence };

// What sizes count: code points, or tokens of the model.
enum class LengthUnit { k_characters, k_tokens };

// Where a separator goes when a text is split at it: away (and back in between the pieces that a
// chunk joins), to the start of the piece after it, or to the end of the piece before it.
enum class KeepSeparator { k_no, k_start, k_end };

enum class SeparatorKind { k_plain, k_regex };

enum class Whitespace { k_strip, k_keep };

struct SplitterOptions {
  SplitterKind kind = SplitterKind::k_character;
  // Verbatim; an empty one: between any two code points. k_character has exactly one. None: those
  // of the language, or the kind's own.
  std::vector<std::string> separators;
  std::string language;  // of k_recursive: see language_separators.h; empty for none
  SeparatorKind separator_kind = SeparatorKind::k_plain;
  std::optional<KeepSeparator> keep_separator;  // nothing: the kind's own
  Whitespace whitespace = Whitespace::k_strip;  // at both ends of a chunk, Python's str.strip()
  LengthUnit length = LengthUnit::k_characters;
  std::optional<std::size_t> chunk_size;  // at least 1; nothing: 1000
  std::size_t chunk_overlap = 0;          // at most chunk_size

  friend bool operator==(const SplitterOptions&, const SplitterOptions&) = default;
};

// The options with everything filled in that depends on the kind of splitter.
SplitterOptions with_defaults(SplitterOptions options);

using ChunkSink = std::function<void(Chunk)>;

class Splitter {
 public:
  virtual ~Splitter() = default;

  // Hands out the chunks in order, each as it is found, so that they take no memory that `take`
  // does not; ranges are byte offsets into `text`, which must be well-formed UTF-8. Linear in the
  // length of the text. Safe to call from several threads. Throws k_io, perhaps after some chunks,
  // when an expression cannot be used on this text: it exceeds PCRE2's limits, or its groups cannot
  // be put together with the text. Throws what `take` throws.
  virtual void split(std::string_view text, const ChunkSink& take) const = 0;

  // The same, all of them.
  std::vector<Chunk> split(std::string_view text) const;
};

// Throws k_usage for options that have no meaning: a size of 0, an overlap over the size, an
// expression that is not valid, a flag that the kind of splitter has no use for. Sizes are what
// `measure` says, without it code points, whatever the options' unit of length.
//
// Regular expressions are Python's `re`, run by PCRE2; what PCRE2 would read differently is
// translated, or refused.
std::unique_ptr<Splitter> make_splitter(const SplitterOptions& options,
                                        std::shared_ptr<const TextMeasure> measure = nullptr);

}  // namespace vecdb
