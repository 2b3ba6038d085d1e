#pragma once

#include <CLI/CLI.hpp>

#include "options.h"

// The commands that compare vectors of a store.
namespace vecdb {

void add_query(CLI::App& app, QueryCommand& command);
void add_similar(CLI::App& app, SimilarCommand& command);
void add_eval(CLI::App& app, EvalCommand& command);
void add_dedup(CLI::App& app, DedupCommand& command);

}  // namespace vecdb
