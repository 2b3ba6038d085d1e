#pragma once

#include <string>
#include <string_view>

namespace vecdb {

// Whether this is letters, digits, '-', '_' and '.' as a hub allows them in a name: at most 96, no
// '.' or '-' at the start, no ".." and no "--". Safe as a file's name and in a URL.
bool is_plain_name(std::string_view text);

// "OWNER--NAME" for the repository OWNER/NAME, or NAME for one without an owner: one folder name
// for each repository. Throws k_usage when this is no repository's name.
std::string repository_folder_name(const std::string& repository);

// Throws k_usage for what cannot be a branch, a tag or a commit.
void require_revision(const std::string& revision);

}  // namespace vecdb
