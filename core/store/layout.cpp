#include "store/layout.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "store/head.h"
#include "store/store.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view k_segment = ".faiss";
constexpr std::string_view k_index = ".ivf";

std::string numbered_name(std::int64_t number, const std::string& sha256, std::string_view end) {
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return digits + "-" + sha256.substr(0, 8) + std::string(end);
}

bool is_all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

// AtomicFile's ".tmp-PID" and what SQLite puts beside a file of that name.
bool is_temporary_suffix(std::string_view suffix) {
  constexpr std::string_view k_mark = ".tmp-";
  if (!suffix.starts_with(k_mark)) return false;
  suffix.remove_prefix(k_mark.size());
  for (const std::string_view tail : {"-journal", "-wal", "-shm"}) {
    if (suffix.ends_with(tail)) suffix.remove_suffix(tail.size());
  }
  return is_all_of(suffix, "0123456789");
}

bool is_temporary(std::string_view name) {
  for (const std::string_view base : {"HEAD", "catalog.db"}) {
    if (name.starts_with(base) && is_temporary_suffix(name.substr(base.size()))) return true;
  }
  return false;
}

bool is_segment_or_temporary(std::string_view name) {
  const auto dash = name.find('-');
  if (dash == std::string_view::npos || dash < 6) return false;
  if (!is_all_of(name.substr(0, dash), "0123456789")) return false;
  name.remove_prefix(dash + 1);
  if (name.size() < 8 || !is_all_of(name.substr(0, 8), "0123456789abcdef")) return false;
  name.remove_prefix(8);
  const std::string_view extension = name.starts_with(k_index) ? k_index : k_segment;
  if (!name.starts_with(extension)) return false;
  name.remove_prefix(extension.size());
  return name.empty() || is_temporary_suffix(name);
}

bool is_own_name(std::string_view name) {
  for (const std::string_view own :
       {"LOCK", "HEAD", "catalog.db", "catalog.db-wal", "catalog.db-shm", "segments", "DRAFT"}) {
    if (name == own) return true;
  }
  return is_temporary(name);
}

std::vector<std::string> names_in(const fs::path& folder, std::error_code& error) {
  std::vector<std::string> names;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

}  // namespace

StoreLayout::StoreLayout(const fs::path& store)
    : folder(store),
      lock(store / "LOCK"),
      head(store / "HEAD"),
      catalogue(store / "catalog.db"),
      segments(store / "segments"),
      draft_mark(store / "DRAFT") {}

std::string segment_name(std::int64_t number, const std::string& sha256) {
  return numbered_name(number, sha256, k_segment);
}

std::string index_name(std::int64_t number, const std::string& sha256) {
  return numbered_name(number, sha256, k_index);
}

bool is_segment_name(std::string_view name) {
  return is_segment_or_temporary(name) && (name.ends_with(k_segment) || name.ends_with(k_index));
}

void refuse_foreign_folder(const StoreLayout& layout) {
  std::error_code error;
  const fs::file_status status = fs::status(layout.folder, error);
  if (!fs::exists(status)) return;
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::k_io, layout.folder.string() + ": " + why +
                                     "; name a store, or a folder that is empty or absent");
  };
  if (!fs::is_directory(status)) refuse("holds no vecdb store: it is not a folder");
  if (is_store(layout.folder)) return;
  for (const std::string& name : names_in(layout.folder, error)) {
    if (!is_own_name(name)) refuse("holds no vecdb store, but other files (" + name + ")");
  }
  if (error) refuse("cannot be read (" + error.message() + ")");
}

bool is_on_network(const fs::path& folder) {
  struct statfs status {};
  if (::statfs(folder.c_str(), &status) != 0) return false;
  switch (static_cast<std::uint32_t>(status.f_type)) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case CEPH_SUPER_MAGIC:
      return true;
    default:
      return false;
  }
}

bool is_lost(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  return fs::status_known(status) && !fs::is_regular_file(status);
}

bool has_segments(const StoreLayout& layout) {
  std::error_code error;
  const auto names = names_in(layout.segments, error);
  return std::any_of(names.begin(), names.end(), is_segment_or_temporary);
}

std::size_t sweep(const StoreLayout& layout, const std::set<std::string>& named) {
  std::size_t removed = 0;
  std::error_code ignored;  // what cannot be removed now is rubbish for the next sweep
  for (const std::string& name : names_in(layout.folder, ignored)) {
    const bool is_left = is_temporary(name) || layout.folder / name == layout.draft_mark;
    if (is_left && fs::remove(layout.folder / name, ignored)) ++removed;
  }
  for (const std::string& name : names_in(layout.segments, ignored)) {
    if (!is_segment_or_temporary(name) || named.contains(name)) continue;
    if (fs::remove(layout.segment(name), ignored)) ++removed;
  }
  return removed;
}

bool is_store(const fs::path& store) {
  const StoreLayout layout(store);
  std::error_code ignored;
  return fs::is_regular_file(layout.catalogue, ignored) || looks_like_head(layout.head);
}

}  // namespace vecdb
