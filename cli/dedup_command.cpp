#include "answer_printer.h"
#include "base/interrupt.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "pipeline/duplicates.h"
#include "pipeline/result_json.h"
#include "store_path.h"

namespace vecdb {

namespace {

class GroupPrinter {
 public:
  GroupPrinter(const StoreReader& store, DedupFormat format, const GlobalOptions& global)
      : m_store(store), m_format(format), m_style(style_for(global)) {}

  void print(const DuplicateGroup& group) {
    ++m_number;
    print(m_store.chunk_of_vector(group.kept), Fate::k_kept, 1);
    for (const Duplicate& each : group.duplicates) {
      if (pending_interrupt() != 0) return;
      print(m_store.chunk_of_vector(each.chunk), Fate::k_duplicate, each.score);
    }
  }

 private:
  void print(const StoredChunk& chunk, Fate fate, double score) const {
    if (m_format == DedupFormat::k_json) {
      Output::write(duplicate_json(m_number, fate, score, chunk) + "\n");
    } else {
      print_passage(m_number, fate == Fate::k_kept ? "kept  " : score_text(score), chunk, m_style);
    }
  }

  const StoreReader& m_store;
  DedupFormat m_format;
  Style m_style;
  std::size_t m_number = 0;
};

std::optional<Duplicates> find(const StoreReader& store, const DedupCommand& command,
                               const GlobalOptions& global) {
  ProgressLine progress(global);
  return find_duplicates(store,
                         {.threshold = command.threshold,
                          .filter = command.filter,
                          .threads = worker_threads(global)},
                         [&progress](double share) { progress.show(share, "compared"); });
}

}  // namespace

int run(const DedupCommand& command, const GlobalOptions& global) {
  const StoreReader store(existing_store(global));
  const auto found = find(store, command, global);
  if (!found) return 0;
  warn_of_unknown_keys(found->unknown_keys, global);
  const DedupFormat format = global.json ? DedupFormat::k_json : command.format;
  if (format == DedupFormat::k_paths) {
    for (const std::string& uri : found->redundant) Output::write(uri + "\n");
  } else {
    GroupPrinter printer(store, format, global);
    for (const DuplicateGroup& group : found->groups) {
      printer.print(group);
      if (pending_interrupt() != 0) return 0;
    }
  }
  Output::flush();  // the figures stand below what they are about
  print_warning(global, with_thousands(found->duplicates) + " of " +
                            counted(found->chunks, "chunk") + " are near-duplicates, in " +
                            counted(found->groups.size(), "group") + "; " +
                            counted(found->redundant.size(), "document") + " with nothing else");
  return 0;
}

}  // namespace vecdb
