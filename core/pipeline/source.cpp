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

std::string document_uri(const Source& source) {
  if (const auto* file = std::get_if<FoundFile>(&source)) return uri_of(file->path);
  if (const auto* named = std::get_if<NamedBytes>(&source)) return named->uri;
  if (const auto* ready = std::get_if<ReadyChunks>(&source)) return ready->uri;
  return std::get<Skipped>(source).uri;
}

Loaded load(const FoundFile& file, const LoadOptions& options) {
  return load_file(file.path, options);
}

Loaded load(const NamedBytes& named, const LoadOptions& options) {
  if (named.content == NamedBytes::Content::k_file) {
    return load_bytes(named.uri, named.bytes, options);
  }
  LoadOptions as_text;
  as_text.type = FileType::k_text;
  as_text.encoding = "UTF-8";
  as_text.max_bytes = options.max_bytes;
  return load_bytes(named.uri, named.bytes, as_text);
}

std::vector<Chunk> split_document(const Splitter& splitter, const Document& document) {
  std::vector<Chunk> chunks;
  SourceCursor source(document.decoded.map, document.decoded.text);
  LineCounter lines(document.decoded.text);
  for (const Section& section : document.sections) {
    SourceCursor decoded(section.map, section.text);
    for (Chunk& chunk : splitter.split(section.text)) {
      const SourceRange place = decoded.range_of(chunk.start, chunk.end);
      const SourceRange range = source.range_of(place.begin, place.end);
      // Where the section is not a stretch of the decoded text, its own lines say nothing.
      chunk.line =
          section.map.is_copy() ? chunk.line + section.line - 1 : lines.line_at(place.begin);
      chunk.start = range.begin;
      chunk.end = range.end;
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
