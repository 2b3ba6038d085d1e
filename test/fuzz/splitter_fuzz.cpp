// Input: a byte of options, a byte of size, a byte of overlap, separators with their lengths (one,
// or as many as the options say), then a text.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "fuzz.h"
#include "text/split/splitter.h"

using namespace vecdb;
using fuzz::require;

namespace {

SplitterOptions read_options(fuzz::Parts& parts) {
  const unsigned bits = parts.byte();
  SplitterOptions options;
  options.separator_kind = (bits & 1U) != 0 ? SeparatorKind::k_regex : SeparatorKind::k_plain;
  options.whitespace = (bits & 2U) != 0 ? Whitespace::k_keep : Whitespace::k_strip;
  options.keep_separator = static_cast<KeepSeparator>((bits >> 2U & 3U) % 3);
  options.kind = static_cast<SplitterKind>((bits >> 4U & 3U) % 3);
  options.chunk_size = parts.byte();
  options.chunk_overlap = parts.byte();
  const auto count = options.kind == SplitterKind::k_recursive ? (bits >> 6U) + 1 : 1;
  for (unsigned i = 0; i < count; ++i) {
    const auto separator = parts.part();
    options.separators.emplace_back(separator.begin(), separator.end());
  }
  if (options.kind == SplitterKind::k_sentence) {
    options.separators.clear();
    options.keep_separator.reset();
    options.separator_kind = SeparatorKind::k_plain;
  }
  return options;
}

// Words and marks: not additive, as tokens are not.
class WordMeasure final : public TextMeasure {
 public:
  std::size_t length(std::string_view text) const override {
    std::size_t words = 0;
    bool inside = false;
    for (const char each : text) {
      const bool is_word = each > ' ' && each != '.';
      words += each == '.' || (is_word && !inside) ? 1 : 0;
      inside = is_word;
    }
    return words;
  }
};

// Whether a chunk is always the source's own bytes: nothing is put between its pieces.
bool is_slice(const SplitterOptions& options) {
  return options.kind == SplitterKind::k_sentence ||
         options.separators == std::vector<std::string>{""} ||
         (options.separator_kind == SeparatorKind::k_plain &&
          options.keep_separator != KeepSeparator::k_no);
}

// Joined with a plain separator, a chunk only loses separators that follow one another.
void check_joined(const SplitterOptions& options, std::string_view slice, const Chunk& chunk) {
  require(chunk.text.size() < slice.size(), "a joined chunk grew");
  require(
      slice.find(options.separators.front() + options.separators.front()) != std::string_view::npos,
      "a joined chunk is not its range of the text");
}

void check_chunk(const SplitterOptions& options, std::string_view text, const Chunk& chunk) {
  require(!chunk.text.empty() && !find_invalid_utf8(chunk.text), "a chunk has no text");
  require(chunk.start < chunk.end && chunk.end <= text.size(), "a chunk leads out of the text");
  const std::string_view slice = text.substr(chunk.start, chunk.end - chunk.start);
  require(!find_invalid_utf8(slice), "a range cuts a character");
  const auto newlines = std::ranges::count(text.substr(0, chunk.start), '\n');
  require(chunk.line == 1 + static_cast<std::uint64_t>(newlines), "a chunk is in another line");
  if (slice == chunk.text) return;
  require(!is_slice(options), "a chunk is not its range of the text");
  const bool is_joined_once =
      options.kind == SplitterKind::k_character && options.separator_kind == SeparatorKind::k_plain;
  if (is_joined_once) check_joined(options, slice, chunk);
}

// Nothing for options without a meaning, and where an expression cannot be used on the text.
std::optional<std::vector<Chunk>> split(const SplitterOptions& options,
                                        std::shared_ptr<const TextMeasure> measure,
                                        std::string_view text) {
  const auto splitter = fuzz::unless_refused(
      ErrorKind::k_usage, [&] { return make_splitter(options, std::move(measure)); });
  if (!splitter) return std::nullopt;
  return fuzz::unless_refused(ErrorKind::k_io, [&] { return (*splitter)->split(text); });
}

// No chunk of these is longer than the size, unless it is one grapheme: at most one word by this
// measure, so that a size of 2 leaves nothing over it.
void check_sizes(SplitterOptions options, std::string_view text) {
  if (options.kind == SplitterKind::k_character) return;
  const auto measure = std::make_shared<const WordMeasure>();
  options.chunk_size = *options.chunk_size + 2;
  const auto chunks = split(options, measure, text);
  if (!chunks) return;
  for (const Chunk& chunk : *chunks) {
    require(measure->length(chunk.text) <= *options.chunk_size, "a chunk is over the size");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const SplitterOptions options = read_options(parts);
  const auto text_bytes = parts.rest();
  const std::string_view text = fuzz::well_formed(fuzz::view(text_bytes));
  const auto chunks = split(options, nullptr, text);
  if (!chunks) return 0;
  for (const Chunk& chunk : *chunks) check_chunk(options, text, chunk);
  check_sizes(options, text);
  return 0;
}
