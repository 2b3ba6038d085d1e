#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/glob.h"

namespace vecdb {

enum class PathKind { k_file, k_folder };

// Patterns in the language of .gitignore files (gitignore(5)), the later ones stronger. "!" in
// front negates one; a '/' at its end lets it match folders only; a '/' elsewhere makes it match
// paths from where the patterns hold, and without one it matches the last name of a path.
class PathPatterns {
 public:
  // The lines of a file. A byte order mark, carriage returns at line ends and, unless escaped,
  // spaces at line ends are no part of them; what begins with '#' is a comment.
  static PathPatterns parse(std::string_view content);

  // One line. False when it holds no pattern that could match anything.
  bool add(std::string_view line);

  // What the last pattern that matches says: true, or false for a negated one; nothing when none
  // matches. `path` is relative to the folder in which the patterns hold, without '/' at its ends.
  // The folders that it lies in are not looked at.
  std::optional<bool> verdict(std::string_view path, PathKind kind) const;

  bool empty() const noexcept { return m_patterns.empty(); }

 private:
  struct Pattern {
    Glob glob;
    bool negated;
    bool folders_only;
    bool whole_path;
  };
  std::vector<Pattern> m_patterns;
};

}  // namespace vecdb
