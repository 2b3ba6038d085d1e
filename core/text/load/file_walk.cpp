#include "text/load/file_walk.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "base/interrupt.h"
#include "base/utf8.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

std::string reason_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::fifo:
      return "is a FIFO, not a regular file";
    case fs::file_type::socket:
      return "is a socket, not a regular file";
    case fs::file_type::not_found:
      return "is gone, or a symbolic link that leads nowhere";
    case fs::file_type::none:
    case fs::file_type::symlink:
      return "cannot read its status";
    default:
      return "is a device, not a regular file";
  }
}

bool is_store(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "catalog.db", ignored) &&
         (fs::is_regular_file(folder / "HEAD", ignored) ||
          fs::is_regular_file(folder / "LOCK", ignored));
}

}  // namespace

FileWalk::FileWalk(const fs::path& root, const WalkOptions& options) : m_options(options) {
  if (belongs_to_store(root)) {
    m_problems.push_back(skipped(root, "belongs to a store of vecdb"));
    return;
  }
  if (options.ignore_files == IgnoreFiles::k_obey) m_rules.emplace(root, m_problems);
  enter(root, options.include.empty());
  m_root_prefix = m_folders.front().prefix.size();
}

std::optional<Found> FileWalk::next() {
  while (pending_interrupt() == 0) {
    if (!m_problems.empty()) {
      Skipped problem = std::move(m_problems.front());
      m_problems.erase(m_problems.begin());
      return problem;
    }
    if (m_folders.empty()) return std::nullopt;
    std::vector<Entry>& entries = m_folders.back().entries;
    if (entries.empty()) {
      m_folders.pop_back();
      if (m_rules) m_rules->leave();
      continue;
    }
    const Entry entry = std::move(entries.back());
    entries.pop_back();
    if (auto found = visit(entry)) return found;
  }
  return std::nullopt;
}

void FileWalk::enter(const fs::path& path, bool included) {
  Folder folder{
      .path = path, .prefix = uri_of(path), .entries = {}, .included = included, .stamp = {}};
  if (!folder.prefix.ends_with('/')) folder.prefix += '/';
  if (m_options.links == FolderLinks::k_follow) folder.stamp = stamp_of(path);
  if (m_rules) m_rules->enter(path, m_problems);
  folder.entries = list(path);
  m_folders.push_back(std::move(folder));
}

std::vector<FileWalk::Entry> FileWalk::list(const fs::path& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end;
       each.increment(error)) {
    std::string name = each->path().filename().native();
    if (m_options.hidden == HiddenFiles::k_leave_out && name.starts_with('.')) continue;
    if (m_rules && name == ".git") continue;
    const fs::file_type type = type_of(*each);
    if (type == fs::file_type::symlink) continue;
    if (type == fs::file_type::directory) name += '/';
    entries.push_back({std::move(name), type});
  }
  if (error == std::errc::not_enough_memory) throw std::bad_alloc();  // not the folder's fault
  if (error) m_problems.push_back(skipped(folder, "cannot be listed: " + error.message()));
  std::ranges::sort(entries, std::greater(), &Entry::name);
  return entries;
}

// Of most entries the type came with the name, and asking costs no system call.
fs::file_type FileWalk::type_of(const fs::directory_entry& entry) const {
  std::error_code ignored;
  if (entry.is_symlink(ignored)) {
    return m_options.links == FolderLinks::k_follow ? entry.status(ignored).type()
                                                    : fs::file_type::symlink;
  }
  if (entry.is_regular_file(ignored)) return fs::file_type::regular;
  if (entry.is_directory(ignored)) return fs::file_type::directory;
  return entry.symlink_status(ignored).type();
}

std::optional<Found> FileWalk::visit(const Entry& entry) {
  const Folder& folder = m_folders.back();
  const bool is_folder = entry.type == fs::file_type::directory;
  const std::string name = entry.name.substr(0, entry.name.size() - (is_folder ? 1 : 0));
  const std::string uri = folder.prefix + name;
  const PathKind kind = is_folder ? PathKind::k_folder : PathKind::k_file;
  const std::string_view below_root = std::string_view(uri).substr(m_root_prefix);
  if (m_options.exclude.verdict(below_root, kind).value_or(false)) return std::nullopt;
  if (m_rules && m_rules->exclude(uri, kind)) return std::nullopt;
  const bool included = m_options.include.verdict(below_root, kind).value_or(folder.included);
  if (!included && !is_folder) return std::nullopt;

  const fs::path path = folder.path / name;
  try {
    if (find_invalid_utf8(name)) return skipped(path, "has a name that is not UTF-8");
    if (entry.type == fs::file_type::regular) return FoundFile{path, stamp_of(path)};
    if (!is_folder) return skipped(path, reason_of(entry.type));
    if (is_store(path)) return std::nullopt;
    if (m_options.links == FolderLinks::k_follow && is_loop(stamp_of(path))) {
      return skipped(path, "is a symbolic link to a folder that it lies in");
    }
    enter(path, included);
    return std::nullopt;
  } catch (const Error& error) {
    return skipped(path, error);
  }
}

bool FileWalk::is_loop(const FileStamp& stamp) const {
  return std::ranges::any_of(m_folders, [&](const Folder& folder) {
    return folder.stamp.device == stamp.device && folder.stamp.inode == stamp.inode;
  });
}

bool belongs_to_store(const fs::path& path) {
  const fs::path absolute = uri_of(path);
  return is_store(absolute) || is_store(absolute.parent_path()) ||
         is_store(absolute.parent_path().parent_path());
}

}  // namespace vecdb
