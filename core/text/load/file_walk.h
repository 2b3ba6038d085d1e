#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/file.h"
#include "text/load/ignore_rules.h"
#include "text/load/path_patterns.h"
#include "text/load/skipped.h"

namespace vecdb {

enum class HiddenFiles { k_leave_out, k_take };    // names that begin with a dot
enum class IgnoreFiles { k_obey, k_disregard };    // .gitignore, .vecdbignore, .git/info/exclude
enum class FolderLinks { k_leave_out, k_follow };  // symbolic links, to files too

// Which of the files below a folder are wanted.
struct WalkOptions {
  PathPatterns include;  // when there are some: only files that match, or lie in what matches
  PathPatterns exclude;  // both hold from the walked folder on
  HiddenFiles hidden = HiddenFiles::k_leave_out;
  IgnoreFiles ignore_files = IgnoreFiles::k_obey;
  FolderLinks links = FolderLinks::k_leave_out;
};

struct FoundFile {
  std::filesystem::path path;
  FileStamp stamp;  // a moment ago
};

using Found = std::variant<FoundFile, Skipped>;

// The regular files below a folder, one at a time, in byte order of their uris. Memory is bounded
// by the names of the folders on the way, not by the tree; no file is held open.
//
// Left out without a word is what WalkOptions do not want, .git unless ignore files are
// disregarded, and stores of vecdb. Skipped, with the reason, is what is wanted and is no file to
// read: a FIFO, socket or device; a name that is not UTF-8; what vanished or cannot be listed; a
// link that leads nowhere, or to a folder that it lies in; an ignore file that cannot be read.
class FileWalk {
 public:
  // `options` must outlive the walk. Relative paths stay relative.
  FileWalk(const std::filesystem::path& root, const WalkOptions& options);

  // Nothing at the end, or when the program was asked to stop.
  std::optional<Found> next();

 private:
  struct Entry {
    std::string name;  // of a folder with '/' at its end: what its files' uris are ordered by
    std::filesystem::file_type type;
  };
  struct Folder {
    std::filesystem::path path;
    std::string prefix;          // of its files' uris
    std::vector<Entry> entries;  // that are still to come, the next one last
    bool included;               // by a pattern for the folder or for one that it lies in
    FileStamp stamp;             // when links are followed
  };

  void enter(const std::filesystem::path& path, bool included);
  std::vector<Entry> list(const std::filesystem::path& folder);
  std::filesystem::file_type type_of(const std::filesystem::directory_entry& entry) const;
  std::optional<Found> visit(const Entry& entry);
  bool is_loop(const FileStamp& stamp) const;

  const WalkOptions& m_options;
  std::size_t m_root_prefix = 0;       // bytes of a uri in front of what m_options match
  std::optional<IgnoreRules> m_rules;  // when they are obeyed
  std::vector<Folder> m_folders;       // from the root to where the walk is
  std::vector<Skipped> m_problems;     // to be told next
};

// Whether a path is, or lies directly in, a store of vecdb.
bool belongs_to_store(const std::filesystem::path& path);

}  // namespace vecdb
