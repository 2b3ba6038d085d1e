#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "text/load/file_walk.h"

namespace vecdb::test {

using Names = std::vector<std::string>;

// What a walk yields: "name" of a file, "name: reason" of what is skipped, relative to the root.
inline Names walk(const std::filesystem::path& root, const WalkOptions& options = {}) {
  Names names;
  const auto relative = [&](const std::string& uri) {
    return uri.substr(root.string().size() + 1);
  };
  for (FileWalk files(root, options); const auto found = files.next();) {
    if (const auto* skipped = std::get_if<Skipped>(&*found)) {
      names.push_back(relative(skipped->uri) + ": " + skipped->reason);
    } else {
      names.push_back(relative(std::get<FoundFile>(*found).path.string()));
    }
  }
  return names;
}

}  // namespace vecdb::test
