#include "pipeline/source.h"

#include <algorithm>
#include <string_view>

namespace vecdb {

namespace {

// Whether `newline` stands in `separator` without `carriage_return` right before it.
bool holds_bare(std::string_view separator, std::string_view newline,
                std::string_view carriage_return) {
  for (auto at = separator.find(newline); at != std::string_view::npos;
       at = separator.find(newline, at + newline.size())) {
    if (!separator.substr(0, at).ends_with(carriage_return)) return true;
  }
  return false;
}

}  // namespace

Loaded load(const std::filesystem::path& file) { return load_file(file); }

Loaded load(const NamedBytes& named) { return load_bytes(named.uri, named.bytes); }

std::vector<Chunk> split_document(const Splitter& splitter, const Document& document) {
  std::vector<Chunk> chunks;
  for (const Section& section : document.sections) {
    for (Chunk& chunk : splitter.split(section.text)) {
      chunk.start += section.offset;
      chunk.end += section.offset;
      chunk.line += section.line - 1;
      chunk.meta = section.meta;
      chunks.push_back(std::move(chunk));
    }
  }
  return chunks;
}

void ChunkLengths::add(const Chunk& chunk, std::size_t chunk_size, const TextMeasure* measure) {
  const std::size_t length = length_of(chunk.text, measure);
  oversize += length > chunk_size ? 1 : 0;
  longest = std::max(longest, length);
}

bool has_line_end_trouble(const SplitterOptions& options, const Document& document) {
  bool bare = false;
  for (const std::string& separator : with_defaults(options).separators) {
    bare = bare || holds_bare(separator, "\n", "\r");
    if (options.separator_kind == SeparatorKind::k_regex) {
      bare = bare || holds_bare(separator, "\\n", "\\r");
    }
  }
  const auto has_crlf = [](const Section& section) {
    return section.text.find("\r\n") != std::string::npos;
  };
  return bare && std::ranges::any_of(document.sections, has_crlf);
}

}  // namespace vecdb
