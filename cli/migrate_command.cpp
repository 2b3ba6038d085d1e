#include "base/interrupt.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

int run(const MigrateCommand& command, const GlobalOptions& global) {
  const auto path = existing_store(global);
  const auto documents =
      migrate_store(path, command.wait_seconds,
                    [&global](const std::string& notice) { print_warning(global, notice); });
  if (pending_interrupt() != 0) {
    print_warning(global, "interrupted: the store is as it was");
    return 0;
  }
  if (global.json) {
    Output::write(
        dump_json({{"summary",
                    {{"migrated", documents.has_value()}, {"documents", documents.value_or(0)}}}}) +
        "\n");
  }
  print_warning(global,
                path.string() + ": " +
                    (documents ? counted(*documents, "document") + " brought to the present format"
                               : "has the present format already"));
  return 0;
}

}  // namespace vecdb
