#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace vecdb {

// A stretch of a document's text that no chunk reaches across: all of a text file.
struct Section {
  std::string text;          // well-formed UTF-8 without a byte order mark, newlines untouched
  std::uint64_t offset = 0;  // of the text's first byte in the source
  std::uint64_t line = 1;    // of the source, where the text begins
  // One JSON object on one line of what is known of this section alone, e.g. {"page":3}; empty for
  // nothing.
  std::string meta = {};
};

// What was read from one source.
struct Document {
  std::string uri;                 // absolute normalised path, "-" or a name for stdin
  std::string type;                // what it was read as: "text"
  std::vector<Section> sections;   // in the order of the source
  std::string sha256;              // of the source's bytes, 64 hexadecimal digits
  std::uint64_t size = 0;          // of the source, bytes
  std::optional<FileStamp> stamp;  // of the file; nothing for stdin
};

}  // namespace vecdb
