#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "pipeline/repair.h"
#include "pipeline/source_check.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

namespace {

void print_problems(const std::vector<std::string>& problems, const GlobalOptions& global) {
  for (const auto& problem : problems) {
    if (global.json) {
      Output::write(dump_json({{"problem", problem}}) + "\n");
    } else {
      print_error(problem);
    }
  }
}

void print_summary(const Json& summary, const GlobalOptions& global) {
  if (global.json) Output::write(dump_json({{"summary", summary}}) + "\n");
}

// The exit code.
int report(const RepairSummary& repaired, std::size_t problems,
           const std::filesystem::path& path, const GlobalOptions& global) {
  for (const std::string& name : repaired.lost) {
    if (global.json) Output::write(dump_json({{"lost", name}}) + "\n");
    print_error(name + ": is left out, because parts of it are damaged; ingest it again");
  }
  print_summary({{"problems", problems},
                 {"documents", repaired.documents},
                 {"chunks", repaired.chunks},
                 {"encoded", repaired.encoded},
                 {"lost", repaired.lost.size()},
                 {"kept", repaired.kept.string()}},
                global);
  print_warning(global, path.string() + ": is repaired: " +
                            counted(repaired.documents, "document") + ", " +
                            counted(repaired.encoded, "chunk") + " encoded again, " +
                            counted(repaired.lost.size(), "document") + " lost; an index is made by "
                            "`vecdb compact`");
  print_warning(global, repaired.kept.string() +
                            ": is the store as it was; remove the folder when it is not needed");
  return repaired.lost.empty() ? 0 : 1;
}

int repair(const std::filesystem::path& path, std::size_t problems, const VerifyCommand& command,
           const GlobalOptions& global) {
  const auto repaired =
      repair_store(path, model_choice(global), command.wait_seconds,
                   [&global](const std::string& notice) { print_warning(global, notice); });
  if (repaired) return report(*repaired, problems, path, global);
  print_warning(global, "interrupted: the store is as it was");
  return 0;
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

SourceCounts compare_sources(const std::filesystem::path& path, const GlobalOptions& global) {
  const StoreReader store(path);
  return check_sources(store, [&](const SourceFinding& finding) {
    if (global.json) {
      Output::write(
          dump_json({{"source", finding.uri}, {"status", name_of(finding.state)}}) + "\n");
    } else {
      print_error(message(finding));
    }
  });
}

}  // namespace

int run(const VerifyCommand& command, const GlobalOptions& global) {
  const auto path = existing_store(global);
  const std::vector<std::string> problems = verify_store(path);
  print_problems(problems, global);
  if (!problems.empty() && command.repair) return repair(path, problems.size(), command, global);
  Json summary = {{"problems", problems.size()}};
  if (!problems.empty()) {
    print_summary(summary, global);
    throw Error(ErrorKind::k_damaged,
                path.string() + ": is damaged in " + counted(problems.size(), "place") +
                    "; `vecdb verify --repair` makes a sound store of what is right in it");
  }
  SourceCounts sources;
  if (command.sources) {
    sources = compare_sources(path, global);
    summary["sources"] = {{"compared", sources.compared},
                          {"differing", sources.differing},
                          {"no_files", sources.no_files}};
  }
  print_summary(summary, global);
  print_warning(global, path.string() + ": is sound" +
                            (command.repair ? "; there is nothing to repair" : ""));
  if (command.sources) {
    print_warning(global, counted(sources.compared, "file") + " compared, " +
                              with_thousands(sources.differing) + " differing; " +
                              counted(sources.no_files, "document") + " not of a file");
  }
  if (sources.interrupted) print_warning(global, "interrupted: other files were not compared");
  return sources.differing > 0 ? 1 : 0;
}

}  // namespace vecdb
