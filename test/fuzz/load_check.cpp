#include "load_check.h"

#include "base/json.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "text/load/compression.h"
#include "text/load/loader.h"

namespace vecdb::fuzz {

namespace {

void check_meta(const std::string& meta) {
  if (meta.empty()) return;
  require(meta.find('\n') == std::string::npos, "metadata is not one line");
  require(Json::parse(meta).is_object(), "metadata is no object");
}

// The place of every code point by itself.
void check_places(const Section& section, const Document& document, std::size_t source_bytes) {
  SourceCursor decoded(section.map, section.text);
  SourceCursor source(document.decoded.map, document.decoded.text);
  for (std::size_t at = 0; at < section.text.size();) {
    const std::size_t begin = at;
    decode_code_point(section.text, at);
    const SourceRange inner = decoded.range_of(begin, at);
    require(inner.begin <= inner.end, "a place in the decoded text is none");
    const SourceRange outer = source.range_of(inner.begin, inner.end);
    require(outer.begin <= outer.end && outer.end <= source_bytes,
            "a place leads out of the source");
  }
}

}  // namespace

std::string source_of(std::string_view bytes) {
  const auto compression = guess_compression(bytes);
  return compression ? decompress(*compression, bytes, LoadOptions{}.max_bytes)
                     : std::string(bytes);
}

void check_document(const Document& document, std::string_view bytes) {
  const std::size_t source_bytes = source_of(bytes).size();
  check_meta(document.meta);
  for (const Section& section : document.sections) {
    require(!section.text.empty(), "an empty section was taken");
    require(!find_invalid_utf8(section.text), "a section is not UTF-8");
    require(section.line >= 1, "a section's line is none");
    check_meta(section.meta);
    check_places(section, document, source_bytes);
  }
  for (const Skipped& skipped : document.skipped) {
    require(!skipped.reason.empty(), "skipped without a reason");
  }
}

}  // namespace vecdb::fuzz
