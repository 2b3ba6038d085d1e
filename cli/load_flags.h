#pragma once

#include <CLI/CLI.hpp>

#include "text/load/loader.h"

namespace vecdb {

// How split and ingest read what they are given.
void add_load(CLI::App& app, LoadOptions& load);

}  // namespace vecdb
