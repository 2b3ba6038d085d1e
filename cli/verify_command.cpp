#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/utf8.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "pipeline/repair.h"
#include "pipeline/source_check.h"
#include "store/consistency.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

namespace {

// What is damaged may be no UTF-8, names among it.
std::string as_utf8(std::string text) {
  for (auto at = find_invalid_utf8(text); at; at = find_invalid_utf8(text)) {
    text.replace(*at, 1, "\uFFFD");
  }
  return text;
}

void print_problems(const std::vector<std::string>& problems, const GlobalOptions& global) {
  for (const auto& problem : problems) {
    if (global.json) {
      Output::write(dump_json({{"problem", as_utf8(problem)}}) + "\n");
    } else {
      print_error(problem);
    }
  }
}

void print_summary(const Json& summary, const GlobalOptions& global) {
  if (global.json) Output::write(dump_json({{"summary", summary}}) + "\n");
}

void print_replaced(const std::vector<std::string>& uris, const GlobalOptions& global) {
  for (const std::string& uri : uris) {
    if (global.json) Output::write(dump_json({{"replaced", uri}}) + "\n");
    print_error(uri + ": its vectors, which had been imported, are lost; they were made anew");
  }
}

void print_lost(const std::vector<std::string>& names, const GlobalOptions& global) {
  for (const std::string& bytes : names) {
    const std::string name = as_utf8(bytes);
    if (global.json) Output::write(dump_json({{"lost", name}}) + "\n");
    print_error(name + ": left out, because parts are damaged; ingest it again");
  }
}

void report(const RepairSummary& repaired, const std::filesystem::path& path, Json& summary,
            const GlobalOptions& global) {
  print_lost(repaired.lost, global);
  print_replaced(repaired.replaced, global);
  summary.update({{"documents", repaired.documents},
                  {"chunks", repaired.chunks},
                  {"encoded", repaired.encoded},
                  {"replaced", repaired.replaced.size()},
                  {"lost", repaired.lost.size()},
                  {"kept", as_utf8(repaired.kept.string())}});
  print_warning(global, path.string() + ": is repaired: " +
                            counted(repaired.documents, "document") + ", " +
                            counted(repaired.encoded, "chunk") + " encoded again, " +
                            counted(repaired.lost.size(), "document") +
                            " lost; an index is made by `vecdb compact`");
  print_warning(global, repaired.kept.string() +
                            ": is the store as it was; remove the folder when it is not needed");
}

const char* name_of(SourceCheck state) {
  switch (state) {
    case SourceCheck::k_changed:
      return "changed";
    case SourceCheck::k_gone:
      return "gone";
    default:
      return "unreadable";
  }
}

std::string message(const SourceFinding& finding) {
  switch (finding.state) {
    case SourceCheck::k_changed:
      return finding.uri + ": has changed since it was stored; ingest it again";
    case SourceCheck::k_gone:
      return finding.uri + ": is gone; `vecdb delete` takes it out of the store";
    default:
      return finding.why;
  }
}

bool are_sources_same(const std::filesystem::path& path, Json& summary,
                      const GlobalOptions& global) {
  const StoreReader store(path);
  const SourceCounts sources = check_sources(store, [&](const SourceFinding& finding) {
    if (global.json) {
      Output::write(
          dump_json({{"source", finding.uri}, {"status", name_of(finding.state)}}) + "\n");
    } else {
      print_error(message(finding));
    }
  });
  summary["sources"] = {{"compared", sources.compared},
                        {"differing", sources.differing},
                        {"no_files", sources.no_files}};
  print_warning(global, counted(sources.compared, "file") + " compared, " +
                            with_thousands(sources.differing) + " differing; " +
                            counted(sources.no_files, "document") + " not of a file");
  if (sources.interrupted) print_warning(global, "interrupted: other files were not compared");
  return sources.differing == 0;
}

// After an interrupt; the signal decides the exit code.
int stop(const GlobalOptions& global, const std::string& state) {
  print_warning(global, "interrupted: " + state);
  return 0;
}

}  // namespace

int run(const VerifyCommand& command, const GlobalOptions& global) {
  const auto path = existing_store(global);
  refuse_other_format(StoreLayout(path));
  const std::vector<std::string> problems = verify_store(path);
  if (pending_interrupt() != 0) return stop(global, "not all was verified");
  print_problems(problems, global);
  Json summary = {{"problems", problems.size()}};
  bool is_complete = true;
  if (problems.empty()) {
    if (command.repair) remove_remains_of_repair(path);
    print_warning(global, path.string() + ": is sound" +
                              (command.repair ? "; there is nothing to repair" : ""));
  } else if (command.repair) {
    const auto repaired =
        repair_store(path, model_choice(global), command.wait_seconds,
                     [&global](const std::string& notice) { print_warning(global, notice); });
    if (!repaired) return stop(global, "the store is as it was");
    is_complete = repaired->lost.empty() && repaired->replaced.empty();
    if (repaired->kept.empty()) {
      print_warning(global, path.string() + ": is sound by now: another process has repaired it");
    } else {
      report(*repaired, path, summary, global);
    }
  } else {
    print_summary(summary, global);
    throw Error(ErrorKind::k_damaged,
                path.string() + ": is damaged in " + counted(problems.size(), "place") +
                    "; `vecdb verify --repair` makes a sound store of what is right in it");
  }
  if (command.sources) is_complete &= are_sources_same(path, summary, global);
  print_summary(summary, global);
  return is_complete ? 0 : 1;
}

}  // namespace vecdb
