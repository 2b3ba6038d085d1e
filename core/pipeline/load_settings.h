#pragma once

#include <string>

#include "text/load/loader.h"

namespace vecdb {

// What of the options decides a document's text, as it is stored with the document: one line of
// JSON, "{}" when nothing was asked for.
std::string describe(const LoadOptions& options);

}  // namespace vecdb
