#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
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

class Reporter final : public IngestObserver {
 public:
  explicit Reporter(const GlobalOptions& global) : m_global(global), m_progress(global) {}

  void on_event(const IngestEvent& event) override {
    if (event.status == IngestStatus::k_skipped) {
      m_progress.clear();
      print_error(event.uri + ": skipped: " + event.reason);
    } else if (m_global.verbosity == Verbosity::k_verbose) {
      m_progress.clear();
      print_error(event.uri + ": " + name_of(event.status) + ", " + counted(event.chunks, "chunk"));
    }
    if (!m_global.json) return;
    Json line = {{"uri", event.uri},
                 {"status", name_of(event.status)},
                 {"sha256", event.sha256},
                 {"chunks", event.chunks}};
    if (event.status == IngestStatus::k_skipped) line["reason"] = event.reason;
    Output::write(dump_json(line) + "\n");
    Output::flush();  // a commit that is reported is durable; whoever listens hears of it at once
  }

  void on_warning(const std::string& message) override {
    m_progress.clear();
    print_warning(m_global, message);
  }

  void on_progress(std::uint64_t done, std::uint64_t documents, std::uint64_t chunks) override {
    m_progress.show(with_thousands(done) +
                    (documents > 0 ? " of " + with_thousands(documents) : "") + " documents, " +
                    with_thousands(chunks) + " chunks stored");
  }

 private:
  const GlobalOptions& m_global;
  ProgressLine m_progress;
};

// Files and stdin: known before the work begins, so that a missing one stops it.
class FileSources final : public SourceStream {
 public:
  explicit FileSources(std::vector<Source> sources) : m_sources(std::move(sources)) {}
  std::optional<Source> next() override {
    if (m_next == m_sources.size()) return std::nullopt;
    return std::move(m_sources[m_next++]);
  }
  std::uint64_t total() const override { return m_sources.size(); }

 private:
  std::vector<Source> m_sources;
  std::size_t m_next = 0;
};

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", seconds);
  return text;
}

void warn_of_fits(const FitCounts& fits, const GlobalOptions& global) {
  if (fits.truncated > 0) {
    print_warning(global, counted(fits.truncated, "chunk") +
                              " longer than the model's window: encoded only up to it; a smaller "
                              "--chunk-size, or --on-overflow split or mean, avoids that");
  }
  if (fits.split > 0) {
    print_warning(global, counted(fits.split, "chunk") +
                              " made by splitting chunks longer than the model's window");
  }
  if (fits.averaged > 0) {
    print_warning(global, counted(fits.averaged, "chunk") +
                              " longer than the model's window: encoded in parts, each vector the "
                              "mean of its parts'");
  }
}

void print_summary(const IngestSummary& summary, LengthUnit unit, const GlobalOptions& global) {
  const auto count = [](std::uint64_t number) { return with_thousands(number); };
  print_warning(global, count(summary.added) + " added, " + count(summary.changed) + " changed, " +
                            count(summary.unchanged) + " unchanged, " +
                            (summary.removed > 0 ? count(summary.removed) + " removed, " : "") +
                            count(summary.skipped) + " skipped; " +
                            counted(summary.chunks, "chunk") + ", " +
                            counted(summary.tokens, "token"));
  warn_of_lengths(summary.lengths, unit, global);
  warn_of_fits(summary.fits, global);
  if (global.verbosity == Verbosity::k_verbose) {
    print_error("load and split " + seconds_text(summary.split_seconds) + ", encode " +
                seconds_text(summary.encode_seconds) + ", store " +
                seconds_text(summary.store_seconds));
  }
  if (summary.interrupted) print_warning(global, "interrupted: what is counted above is stored");
}

void print_summary_json(const IngestSummary& summary) {
  const Json figures = {{"added", summary.added},
                        {"changed", summary.changed},
                        {"unchanged", summary.unchanged},
                        {"removed", summary.removed},
                        {"skipped", summary.skipped},
                        {"chunks", summary.chunks},
                        {"tokens", summary.tokens},
                        {"truncated", summary.fits.truncated},
                        {"split", summary.fits.split},
                        {"averaged", summary.fits.averaged},
                        {"oversize", summary.lengths.oversize},
                        {"longest", summary.lengths.longest},
                        {"seconds",
                         {{"split", summary.split_seconds},
                          {"encode", summary.encode_seconds},
                          {"store", summary.store_seconds}}},
                        {"interrupted", summary.interrupted}};
  Output::write(dump_json({{"summary", figures}}) + "\n");
}

}  // namespace

int run(const IngestCommand& command, const GlobalOptions& global) {
  IngestOptions options;
  options.meta = meta_json(command.meta);
  options.splitter = command.splitter;
  options.overflow = command.overflow;
  options.wait_seconds = command.wait_seconds;
  options.mode = command.dry_run ? IngestMode::k_dry_run : IngestMode::k_store;
  make_splitter(command.splitter);  // a wrong flag is told before stdin is read
  if (command.prune && command.jsonl) {
    throw Error(ErrorKind::k_usage, "--prune: has no meaning with --jsonl; records have no files");
  }
  std::vector<Skipped> skipped;
  std::unique_ptr<SourceStream> sources;
  if (command.jsonl) {
    sources = std::make_unique<RecordSources>(command.inputs, options.meta);
  } else {
    sources = std::make_unique<FileSources>(gather_sources(command.inputs, skipped));
  }
  if (command.prune) {
    for (const auto& name : command.inputs.paths) {
      if (name != "-") options.prune_roots.push_back(uri_of(name));
    }
  }
  options.store = store_to_write(global);
  options.model = model_choice(global, command.dimensions);
  Reporter reporter(global);
  for (const Skipped& each : skipped) {
    reporter.on_event({each.uri, IngestStatus::k_skipped, "", 0, each.reason});
  }
  IngestSummary summary = ingest(options, *sources, reporter);
  summary.skipped += skipped.size();
  if (global.json) print_summary_json(summary);
  print_summary(summary, command.splitter.length, global);
  if (command.dry_run) print_warning(global, "nothing was changed: this was a dry run");
  return summary.skipped > 0 ? 1 : 0;
}

}  // namespace vecdb
