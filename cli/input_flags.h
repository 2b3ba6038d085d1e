#pragma once

#include <CLI/CLI.hpp>

#include "options.h"

namespace vecdb {

// Which files and streams split and ingest read.
void add_inputs(CLI::App& app, InputOptions& inputs);

}  // namespace vecdb
