#pragma once

#include <CLI/CLI.hpp>

#include "text/split/splitter.h"

namespace vecdb {

// How split and ingest cut a text.
void add_splitter(CLI::App& app, SplitterOptions& splitter);

}  // namespace vecdb
