#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "text/load/skipped.h"
#include "text/load/source_map.h"

namespace vecdb {

// A source's bytes as UTF-8.
struct DecodedText {
  std::string text;                // well-formed, without a byte order mark, newlines untouched
  SourceMap map;                   // to the source's bytes
  std::string encoding = "UTF-8";  // of the source
};

// A stretch of a document's text that no chunk reaches across: all of a text file, a page of a PDF,
// a row of a table.
struct Section {
  std::string text;        // well-formed UTF-8 without a byte order mark, newlines untouched
  SourceMap map = {};      // to the document's decoded text
  std::uint64_t line = 1;  // of the decoded text, where this text begins
  // One JSON object on one line of what is known of this section alone, e.g. {"page":3}; empty for
  // nothing.
  std::string meta = {};
};

// What was read from one source. "The source" is the decompressed one where it was compressed, and
// the text that was taken out of it where it is a PDF.
struct Document {
  std::string uri;                // absolute normalised path, "-" or a name for stdin
  std::string type;               // what it was read as: "text", "html", …
  std::vector<Section> sections;  // in the order of the source
  // What the sections' maps lead to. The text is kept only where it is needed to find places: not
  // where the sections are stretches of UTF-8.
  DecodedText decoded;
  std::string meta;                // one JSON object on one line, e.g. {"title":"…"}; or empty
  std::vector<Skipped> skipped;    // parts of it, e.g. malformed rows
  std::string sha256;              // of the bytes as they came, 64 hexadecimal digits
  std::uint64_t size = 0;          // of these
  std::optional<FileStamp> stamp;  // of the file; nothing for stdin
};

}  // namespace vecdb
