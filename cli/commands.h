#pragma once

#include "options.h"

// One function a verb, each in the file of its name. They print results to stdout and return the
// exit code of a run that did what was asked: 0, or 1 as docs/CLI.md says. Errors are thrown.
namespace vecdb {

int run(const IngestCommand& command, const GlobalOptions& global);
int run(const SplitCommand& command, const GlobalOptions& global);
int run(const QueryCommand& command, const GlobalOptions& global);
int run(const SimilarCommand& command, const GlobalOptions& global);
int run(const DedupCommand& command, const GlobalOptions& global);
int run(const EncodeCommand& command, const GlobalOptions& global);
int run(const EvalCommand& command, const GlobalOptions& global);
int run(const ListCommand& command, const GlobalOptions& global);
int run(const ShowCommand& command, const GlobalOptions& global);
int run(const DeleteCommand& command, const GlobalOptions& global);
int run(const StatsCommand& command, const GlobalOptions& global);
int run(const VerifyCommand& command, const GlobalOptions& global);
int run(const CompactCommand& command, const GlobalOptions& global);
int run(const MigrateCommand& command, const GlobalOptions& global);
int run(const ExportCommand& command, const GlobalOptions& global);
int run(const ImportCommand& command, const GlobalOptions& global);
int run(const ModelCommand& command, const GlobalOptions& global);
int run(const ServeCommand& command, const GlobalOptions& global);

// `model pull`, which is long enough for a file of its own.
void pull(const ModelCommand& command, const GlobalOptions& global);

}  // namespace vecdb
