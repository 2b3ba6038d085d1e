#include <iomanip>
#include <sstream>

#include "base/interrupt.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

namespace {

constexpr std::size_t k_questions = 100;
constexpr double k_nearly_all = 0.999;

Json recall_of(const StoreReader& store) {
  Json table = Json::array();
  for (const auto& [lists, recall] : store.measure_recall(k_questions, k_nearly_all)) {
    table.push_back({{"nprobe", lists}, {"recall", recall}});
  }
  return table;
}

std::string recall_line(const Json& point) {
  std::ostringstream line;
  line << std::fixed << std::setprecision(3) << "recall@10    " << point["recall"].get<double>()
       << " with --nprobe " << point["nprobe"].get<std::size_t>() << "\n";
  return line.str();
}

}  // namespace

int run(const StatsCommand& command, const GlobalOptions& global) {
  const auto path = existing_store(global);
  const StoreReader store(path);
  const StoreSettings& settings = store.settings();
  const StoreStats stats = store.stats();
  Json figures = {{"store", path.string()},
                  {"model", settings.model},
                  {"fingerprint", settings.fingerprint},
                  {"precision", settings.precision},
                  {"dimension", settings.dimension},
                  {"documents", stats.documents},
                  {"chunks", stats.chunks},
                  {"truncated", stats.fits.truncated},
                  {"split", stats.fits.split},
                  {"averaged", stats.fits.averaged},
                  {"tokens", stats.tokens},
                  {"text_bytes", stats.text_bytes},
                  {"segments", stats.segments},
                  {"indexed", stats.indexed},
                  {"dead_rows", stats.dead_rows},
                  {"disk_bytes", stats.disk_bytes},
                  {"generation", stats.generation}};
  const Json recall = command.recall ? recall_of(store) : Json();
  if (command.recall && recall.empty() && pending_interrupt() == 0) {
    print_warning(global, "the store has no index: every search is exact");
  }
  if (global.json) {
    if (command.recall) figures["recall"] = recall;
    Output::write(dump_json_of_any_bytes(figures) + "\n");  // the path may not be UTF-8
    return 0;
  }
  for (const auto& [name, value] : figures.items()) {
    Output::write(name + std::string(13 - name.size(), ' ') +
                  (value.is_string() ? value.get<std::string>()
                                     : with_thousands(value.get<std::uint64_t>())) +
                  "\n");
  }
  for (const Json& point : recall) Output::write(recall_line(point));
  return 0;
}

}  // namespace vecdb
