#include "pipeline/source.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "text/split/byte_range.h"

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

// Leads from the text of a section, which chunks are found in, to the document's source.
class SectionOrigin final : public ChunkOrigin {
 public:
  SectionOrigin(const Section& section, SourceCursor& source, LineCounter& lines)
      : m_section(section),
        m_decoded(section.map, section.text),
        m_source(source),
        m_lines(lines),
        m_section_lines(section.text) {}

  // A chunk with a range in the section becomes one with a range in the source.
  Chunk take(Chunk found) {
    const ByteRange text{found.start, found.end};
    const bool is_stretch = slice(m_section.text, text) == found.text;
    const bool overlaps = m_text.start <= text.start && text.start < m_text.end;
    m_repeated =
        is_stretch && m_is_stretch && overlaps ? std::min(m_text.end, text.end) - text.start : 0;
    m_text = text;
    m_is_stretch = is_stretch;
    return placed(std::move(found), text);
  }

  std::size_t repeated() const override { return m_repeated; }

  Chunk part(const Chunk& whole, std::size_t begin, std::size_t end) override {
    Chunk part = whole;
    part.text = whole.text.substr(begin, end - begin);
    if (!m_is_stretch) return part;
    const ByteRange text{m_text.start + begin, m_text.start + end};
    part.line = m_section_lines.line_at(text.start);
    return placed(std::move(part), text);
  }

 private:
  Chunk placed(Chunk chunk, ByteRange text) {
    const SourceRange place = m_decoded.range_of(text.start, text.end);
    const SourceRange range = m_source.range_of(place.begin, place.end);
    // Where the section is not a stretch of the decoded text, its own lines say nothing.
    chunk.line =
        m_section.map.is_copy() ? chunk.line + m_section.line - 1 : m_lines.line_at(place.begin);
    chunk.start = range.begin;
    chunk.end = range.end;
    chunk.meta = m_section.meta;
    return chunk;
  }

  const Section& m_section;
  SourceCursor m_decoded;
  SourceCursor& m_source;
  LineCounter& m_lines;
  LineCounter m_section_lines;
  ByteRange m_text;           // of the chunk, in the section; empty before the first
  bool m_is_stretch = false;  // the chunk's text is what stands there
  std::size_t m_repeated = 0;
};

}  // namespace

std::string document_uri(const Source& source) {
  if (const auto* file = std::get_if<FoundFile>(&source)) return uri_of(file->path);
  if (const auto* named = std::get_if<NamedBytes>(&source)) return named->uri;
  if (const auto* ready = std::get_if<ReadyChunks>(&source)) return ready->uri;
  if (const auto* kept = std::get_if<KeptDocument>(&source)) return kept->record.uri;
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

void split_document(const Splitter& splitter, const Document& document,
                    const std::function<void(Chunk, ChunkOrigin&)>& take) {
  SourceCursor source(document.decoded.map, document.decoded.text);
  LineCounter lines(document.decoded.text);
  for (const Section& section : document.sections) {
    SectionOrigin origin(section, source, lines);
    splitter.split(section.text, [&](Chunk found) { take(origin.take(std::move(found)), origin); });
  }
}

std::string no_chunk_reason(std::string_view type) {
  const bool is_table = type == "csv" || type == "tsv" || type == "jsonl";
  return is_table ? "has no row that holds text" : "holds nothing but white space";
}

void ChunkLengths::add(const Chunk& chunk, std::size_t chunk_size, const TextMeasure* measure) {
  const std::size_t length = length_of(chunk.text, measure);
  oversize += length > chunk_size ? 1 : 0;
  longest = std::max(longest, length);
}

bool has_line_end_trouble(const SplitterOptions& options, const Document& document) {
  bool bare = false;
  for (const std::string& separator : options.separators) {
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
