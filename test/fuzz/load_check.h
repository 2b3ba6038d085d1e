#pragma once

#include <string>
#include <string_view>

#include "text/load/document.h"

namespace vecdb::fuzz {

// The source that a document of `bytes` speaks of: decompressed where they are compressed.
std::string source_of(std::string_view bytes);

// Requires what every document promises: sections of well-formed UTF-8, metadata of one JSON object
// a line, and places inside the source.
void check_document(const Document& document, std::string_view bytes);

}  // namespace vecdb::fuzz
