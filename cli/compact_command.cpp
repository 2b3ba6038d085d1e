#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

namespace {

Json figures_of(const StoreStats& stats) {
  return {{"segments", stats.segments},
          {"dead_rows", stats.dead_rows},
          {"disk_bytes", stats.disk_bytes}};
}

}  // namespace

int run(const CompactCommand& command, const GlobalOptions& global) {
  const auto path = existing_store(global);
  StoreStats before;
  bool done = false;
  {
    auto writer =
        StoreWriter::open(path, command.wait_seconds,
                          [&global](const std::string& notice) { print_warning(global, notice); });
    before = StoreReader(path).stats();
    done = writer.compact(command.options);
  }
  const StoreStats after = StoreReader(path).stats();
  if (global.json) {
    Output::write(
        dump_json({{"summary", {{"before", figures_of(before)}, {"after", figures_of(after)}}}}) +
        "\n");
  }
  print_warning(global, !done ? "interrupted: the store is sound, what was not done is as it was"
                              : counted(before.dead_rows, "dead vector") + " removed, " +
                                    with_thousands(before.disk_bytes) + " bytes before, " +
                                    with_thousands(after.disk_bytes) + " after");
  return 0;
}

}  // namespace vecdb
