#include "store/replacement.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "store/layout.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_kept = ".damaged-";

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(ErrorKind::k_io, path.string() + ": " + what + ": " + last_system_error());
}

struct stat status_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail(path, "cannot read its status");
  return status;
}

void give_rights(const struct stat& from, const fs::path& to) {
  const int done = ::lchown(to.c_str(), from.st_uid, from.st_gid);
  static_cast<void>(done);  // who may not give files away keeps them
  if (::chmod(to.c_str(), from.st_mode & 07777U) != 0) fail(to, "cannot set its permissions");
}

void mark_as_draft(const fs::path& store) {
  AtomicFile(StoreLayout(store).draft_mark).commit();
}

// A store that took another's place and was not written to since may still have it.
void unmark(const fs::path& store) {
  const fs::path mark = StoreLayout(store).draft_mark;
  if (::unlink(mark.c_str()) == 0) return sync_folder(store);
  if (errno != ENOENT) fail(mark, "cannot remove");
}

bool is_draft(const fs::path& store) {
  std::error_code ignored;
  return fs::is_regular_file(fs::symlink_status(StoreLayout(store).draft_mark, ignored));
}

}  // namespace

void remove_store(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  refuse_foreign_folder(StoreLayout(folder));
  fs::remove_all(folder, error);
  if (error) throw Error(ErrorKind::k_io, folder.string() + ": cannot remove: " + error.message());
}

void copy_rights(const fs::path& from, const fs::path& to) {
  const struct stat folder = status_of(from);
  const struct stat file = status_of(StoreLayout(from).catalogue);
  for (const auto& entry : fs::recursive_directory_iterator(to)) {
    give_rights(entry.is_directory() ? folder : file, entry.path());
  }
  give_rights(folder, to);
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
  unmark(store);
  mark_as_draft(made);
  copy_rights(store, made);
  fs::path kept;
  for (int number = 1;; ++number) {
    kept = store.string() + k_kept + std::to_string(number);
    if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, kept.c_str(), RENAME_NOREPLACE) == 0) break;
    if (errno != EEXIST) fail(made, "cannot be renamed to " + kept.string());
  }
  try {
    exchange_stores(store, kept);
  } catch (const Error&) {
    if (is_draft(kept)) remove_store(kept);
    throw;
  }
  std::error_code ignored;  // what stays is swept by the next writer
  fs::remove(StoreLayout(store).draft_mark, ignored);
  return kept;
}

void remove_drafts(const fs::path& store) {
  const std::string begin = store.filename().string() + k_kept;
  std::vector<fs::path> drafts;
  std::error_code error;
  fs::directory_iterator entry(store.parent_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(begin) || name.size() == begin.size()) continue;
    if (name.find_first_not_of("0123456789", begin.size()) != std::string::npos) continue;
    if (is_draft(entry->path())) drafts.push_back(entry->path());
  }
  for (const fs::path& draft : drafts) remove_store(draft);
}

}  // namespace vecdb
