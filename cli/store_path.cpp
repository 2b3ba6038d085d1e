#include "store_path.h"

#include <optional>

#include "base/error.h"
#include "console.h"
#include "store/store.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_store_name = ".vecdb";

std::optional<fs::path> nearest_store() {
  std::error_code ignored;
  for (fs::path folder = fs::current_path();; folder = folder.parent_path()) {
    if (fs::exists(folder / k_store_name, ignored)) return folder / k_store_name;
    if (folder == folder.parent_path()) return std::nullopt;
  }
}

}  // namespace

fs::path existing_store(const GlobalOptions& options) {
  if (!options.store.empty()) {
    if (is_store(options.store)) return options.store;
    throw Error(ErrorKind::k_io,
                options.store + ": holds no vecdb store; make one with `vecdb ingest`");
  }
  if (const auto found = nearest_store()) {
    if (is_store(*found)) return *found;
    throw Error(
        ErrorKind::k_io,
        found->string() + ": holds no vecdb store; remove it, or name another with --store");
  }
  throw Error(ErrorKind::k_io,
              "no store: there is no .vecdb here or above; make one with `vecdb ingest`, or name "
              "one with --store");
}

std::optional<fs::path> store_at_hand(const GlobalOptions& options) {
  const auto found = options.store.empty() ? nearest_store() : fs::path(options.store);
  return found && is_store(*found) ? found : std::nullopt;
}

fs::path store_to_write(const GlobalOptions& options) {
  if (!options.store.empty()) return options.store;
  const fs::path here = fs::current_path() / k_store_name;
  const fs::path store = nearest_store().value_or(here);
  if (store != here) print_warning(options, "using the store " + store.string());
  return store;
}

}  // namespace vecdb
