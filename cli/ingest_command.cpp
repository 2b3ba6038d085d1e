#include <map>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "file_sources.h"
#include "ingest_report.h"
#include "inputs.h"
#include "pipeline/ingest.h"
#include "record_sources.h"
#include "store_path.h"

namespace vecdb {

namespace {

// "key=value" pairs to one JSON object, keys in byte order so that their order does not matter.
std::string meta_json(const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> values;
  for (const auto& pair : pairs) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::k_usage, "--meta " + pair + ": is not KEY=VALUE");
    }
    if (!values.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second) {
      throw Error(ErrorKind::k_usage, "--meta " + pair + ": the key is given twice");
    }
  }
  Json object = Json::object();
  for (const auto& [key, value] : values) object[key] = value;
  return dump_json(object);
}

// What a user asked for and would not get must not be passed over.
void refuse_flags_of_files(const IngestCommand& command) {
  const auto refuse = [](const std::string& flag, const std::string& why) {
    throw Error(ErrorKind::k_usage, flag + ": has no meaning with --jsonl; " + why);
  };
  if (command.prune) refuse("--prune", "records have no files");
  if (command.load.type) {
    refuse("--type", "a record's text is text; leave --jsonl out to read files of a type");
  }
  if (!command.load.text_field.empty()) {
    refuse("--text-field",
           "a record's text stands in \"text\"; --type jsonl reads files of other fields");
  }
  if (!command.load.encoding.empty()) refuse("--encoding", "JSON is UTF-8");
}

}  // namespace

int run(const IngestCommand& command, const GlobalOptions& global) {
  IngestOptions options;
  options.meta = meta_json(command.meta);
  options.load = command.load;
  options.load.max_bytes = command.inputs.max_file_size;
  options.splitter = command.splitter;
  options.overflow = command.overflow;
  options.compare = command.checksum ? Compare::k_always : Compare::k_when_in_doubt;
  options.jobs = command.jobs > 0 ? command.jobs : worker_threads(global);
  options.wait_seconds = command.wait_seconds;
  options.mode = command.dry_run ? IngestMode::k_dry_run : IngestMode::k_store;
  make_splitter(command.splitter);  // a wrong flag is told before stdin is read
  if (command.jsonl) refuse_flags_of_files(command);
  IngestReporter reporter(global);
  std::unique_ptr<SourceStream> sources;
  if (command.jsonl) {
    sources = std::make_unique<RecordSources>(command.inputs, command.load.malformed);
  } else {
    auto files = std::make_unique<FileSources>(command.inputs);
    if (reporter.shows_progress()) files->count();
    sources = std::move(files);
  }
  if (command.prune) {
    for (const auto& name : command.inputs.paths) {
      if (name != "-") options.prune_roots.push_back(uri_of(name));
    }
  }
  options.store = store_to_write(global);
  options.model = model_choice_with_server(global, options.store, command.dimensions);
  const IngestSummary summary = ingest(options, *sources, reporter);
  reporter.end_progress();
  print_summary(summary, command.splitter.length, global);
  if (command.dry_run) print_warning(global, "nothing was changed: this was a dry run");
  return summary.skipped > 0 ? 1 : 0;
}

}  // namespace vecdb
