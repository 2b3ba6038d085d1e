// Input: a byte of options, a byte of size, a byte of overlap, a separator with its length, then a
// text.
#include <algorithm>
#include <string>

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
  options.keep_separator = static_cast<KeepSeparator>((bits >> 2U) % 3);
  options.chunk_size = parts.byte();
  options.chunk_overlap = parts.byte();
  const auto separator = parts.part();
  options.separators = {std::string(separator.begin(), separator.end())};
  return options;
}

// Whether a chunk is always the source's own bytes: nothing is put between its pieces.
bool is_slice(const SplitterOptions& options) {
  return options.separators.front().empty() || (options.separator_kind == SeparatorKind::k_plain &&
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
  if (options.separator_kind == SeparatorKind::k_plain) check_joined(options, slice, chunk);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const SplitterOptions options = read_options(parts);
  const auto text_bytes = parts.rest();
  const std::string_view text = fuzz::well_formed(fuzz::view(text_bytes));
  const auto chunks =
      fuzz::unless_refused(ErrorKind::k_usage, [&] { return make_splitter(options)->split(text); });
  if (!chunks) return 0;
  for (const Chunk& chunk : *chunks) check_chunk(options, text, chunk);
  return 0;
}
