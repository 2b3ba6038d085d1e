#pragma once

#include <string>

#include "text/split/splitter.h"

namespace vecdb {

// Settings of a split as they are stored with a document: one line of JSON.
std::string describe(const SplitterOptions& options);

}  // namespace vecdb
