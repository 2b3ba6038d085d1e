#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "text/load/path_patterns.h"
#include "text/load/skipped.h"

namespace vecdb {

// What the ignore files on the way from a repository's root to a folder exclude. A folder that
// holds .git is a repository's root; without one above it, the walked folder is where the rules
// begin.
//
// In each folder .gitignore holds, and behind it .vecdbignore; at a repository's root, in front of
// both, .git/info/exclude. The last pattern that matches decides, and a deeper folder's goes before
// one of a folder above. Git's files hold up to the root of their repository, .vecdbignore also in
// repositories below. The user's global excludes of git are not read: what is stored depends on the
// tree alone.
class IgnoreRules {
 public:
  // Reads what holds in the folders above the walked one. An ignore file that cannot be read or is
  // larger than 1 MiB goes to `problems`; the others hold without it.
  IgnoreRules(const std::filesystem::path& root, std::vector<Skipped>& problems);

  // The walk goes into a folder, or leaves the last one that it went into.
  void enter(const std::filesystem::path& folder, std::vector<Skipped>& problems);
  void leave() { m_folders.pop_back(); }

  // Whether a file or folder below the last entered folder is excluded. Folders that it lies in are
  // not looked at: below an excluded one there is no walk. `uri`: see uri_of().
  bool exclude(std::string_view uri, PathKind kind) const;

 private:
  struct Folder {
    std::size_t prefix;  // bytes of a uri up to the folder's contents
    PathPatterns excludes;
    PathPatterns gitignore;
    PathPatterns vecdbignore;
    bool is_repository;
  };
  std::vector<Folder> m_folders;
};

}  // namespace vecdb
