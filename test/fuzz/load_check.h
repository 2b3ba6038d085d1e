#pragma once

#include <string_view>

#include "text/load/document.h"

namespace vecdb::fuzz {

// Requires what every document promises: sections of well-formed UTF-8, metadata of one JSON object
// a line, and places inside a source of `bytes`.
void check_document(const Document& document, std::string_view bytes);

}  // namespace vecdb::fuzz
