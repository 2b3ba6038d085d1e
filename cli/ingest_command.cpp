#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "file_sources.h"
#include "inputs.h"
#include "pipeline/ingest.h"
#include "record_sources.h"
#include "store_path.h"

namespace vecdb {

namespace {

// 3725 -> "1:02:05"
std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  char text[32];
  if (whole < 3600) {
    std::snprintf(text, sizeof text, "%llu:%02llu", whole / 60ULL, whole % 60ULL);
  } else {
    std::snprintf(text, sizeof text, "%llu:%02llu:%02llu", whole / 3600ULL, whole / 60ULL % 60ULL,
                  whole % 60ULL);
  }
  return text;
}

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

class Reporter final : public IngestObserver {
 public:
  explicit Reporter(const GlobalOptions& global) : m_global(global), m_progress(global) {}

  bool shows_progress() const { return m_progress.is_shown(); }
  void end_progress() { m_progress.clear(); }

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

  void on_progress(const IngestProgress& progress) override {
    const auto [done, total, chunks, tokens, seconds] = progress;
    const auto rate = static_cast<double>(tokens) / std::max(seconds, 0.1);
    std::string line = with_thousands(done) + (total > 0 ? " of " + with_thousands(total) : "") +
                       " documents, " + with_thousands(chunks) + " chunks, " +
                       with_thousands(static_cast<std::uint64_t>(rate)) + " tokens/s";
    double share = -1;
    if (total > 0) {
      share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
      if (share > 0) line += ", " + duration_text(seconds * (1 - share) / share) + " left";
    }
    m_progress.show(share, line);
  }

 private:
  const GlobalOptions& m_global;
  ProgressLine m_progress;
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
                            (summary.reused > 0 ? count(summary.reused) + " reused, " : "") +
                            counted(summary.tokens, "token"));
  if (summary.remade > 0) {
    print_warning(global, counted(summary.remade, "document") +
                              " made again although unchanged: the settings are others");
  }
  if (summary.line_end_troubles > 0) {
    print_warning(global,
                  counted(summary.line_end_troubles, "document") + " with " + k_line_end_trouble);
  }
  warn_of_lengths(summary.lengths, unit, global);
  warn_of_fits(summary.fits, global);
  if (global.verbosity == Verbosity::k_verbose) {
    print_error("load " + seconds_text(summary.load_seconds) + ", split " +
                seconds_text(summary.split_seconds) + ", encode " +
                seconds_text(summary.encode_seconds) + ", store " +
                seconds_text(summary.store_seconds) + "; all " +
                seconds_text(summary.total_seconds));
  }
  if (summary.interrupted) print_warning(global, "interrupted: what is counted above is stored");
}

void print_summary_json(const IngestSummary& summary) {
  const Json figures = {{"added", summary.added},
                        {"changed", summary.changed},
                        {"unchanged", summary.unchanged},
                        {"removed", summary.removed},
                        {"skipped", summary.skipped},
                        {"remade", summary.remade},
                        {"chunks", summary.chunks},
                        {"reused", summary.reused},
                        {"tokens", summary.tokens},
                        {"truncated", summary.fits.truncated},
                        {"split", summary.fits.split},
                        {"averaged", summary.fits.averaged},
                        {"oversize", summary.lengths.oversize},
                        {"longest", summary.lengths.longest},
                        {"seconds",
                         {{"load", summary.load_seconds},
                          {"split", summary.split_seconds},
                          {"encode", summary.encode_seconds},
                          {"store", summary.store_seconds},
                          {"total", summary.total_seconds}}},
                        {"interrupted", summary.interrupted}};
  Output::write(dump_json({{"summary", figures}}) + "\n");
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
  Reporter reporter(global);
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
  options.model = model_choice(global, command.dimensions);
  const IngestSummary summary = ingest(options, *sources, reporter);
  reporter.end_progress();
  if (global.json) print_summary_json(summary);
  print_summary(summary, command.splitter.length, global);
  if (command.dry_run) print_warning(global, "nothing was changed: this was a dry run");
  return summary.skipped > 0 ? 1 : 0;
}

}  // namespace vecdb
