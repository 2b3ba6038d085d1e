#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

int run(const StatsCommand&, const GlobalOptions& global) {
  const auto path = existing_store(global);
  const StoreReader store(path);
  const StoreSettings& settings = store.settings();
  const StoreStats stats = store.stats();
  const Json figures = {{"store", path.string()},
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
                        {"dead_rows", stats.dead_rows},
                        {"disk_bytes", stats.disk_bytes},
                        {"generation", stats.generation}};
  if (global.json) {
    Output::write(dump_json(figures) + "\n");
    return 0;
  }
  for (const auto& [name, value] : figures.items()) {
    Output::write(name + std::string(13 - name.size(), ' ') +
                  (value.is_string() ? value.get<std::string>()
                                     : with_thousands(value.get<std::uint64_t>())) +
                  "\n");
  }
  return 0;
}

}  // namespace vecdb
