#include "store/replacement.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "store/layout.h"

namespace vecdb {

namespace fs = std::filesystem;

void remove_store(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  refuse_foreign_folder(StoreLayout(folder));
  fs::remove_all(folder, error);
  if (error) throw Error(ErrorKind::k_io, folder.string() + ": cannot remove: " + error.message());
}

void exchange_stores(const fs::path& a, const fs::path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) {
    sync_folder(fs::absolute(a).parent_path());
    return;
  }
  throw Error(ErrorKind::k_io, a.string() + ": cannot change places with " + b.string() + ": " +
                                   last_system_error() +
                                   "; copy the store to a folder of another file system first");
}

fs::path replace_store(const fs::path& store, const fs::path& made) {
  fs::path kept;
  for (int number = 1;; ++number) {
    kept = store.string() + ".damaged-" + std::to_string(number);
    if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, kept.c_str(), RENAME_NOREPLACE) == 0) break;
    if (errno == EEXIST) continue;
    throw Error(ErrorKind::k_io, made.string() + ": cannot rename: " + last_system_error());
  }
  exchange_stores(store, kept);
  return kept;
}

}  // namespace vecdb
