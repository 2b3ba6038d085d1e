#include "net/repository_name.h"

#include <algorithm>

#include "base/error.h"

namespace vecdb {

bool is_plain_name(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  return plain && !text.empty() && text.size() <= 96 && text.front() != '.' &&
         text.front() != '-' && text.find("..") == std::string_view::npos &&
         text.find("--") == std::string_view::npos;
}

std::string repository_folder_name(const std::string& repository) {
  const auto slash = repository.find('/');
  const bool owned = slash != std::string::npos;
  const std::string owner = owned ? repository.substr(0, slash) : "";
  const std::string name = owned ? repository.substr(slash + 1) : repository;
  if (!is_plain_name(name) || (owned && !is_plain_name(owner))) {
    throw Error(ErrorKind::k_usage,
                "repository \"" + repository + "\": is not OWNER/NAME; name it as its page does");
  }
  return owned ? owner + "--" + name : name;
}

void require_revision(const std::string& revision) {
  const bool plain =
      std::all_of(revision.begin(), revision.end(), [](char c) { return c > ' ' && c < 127; });
  if (!plain || revision.empty() || revision.size() > 200 || revision.front() == '-') {
    throw Error(ErrorKind::k_usage,
                "--revision \"" + revision + "\": is not a branch, a tag or a commit");
  }
}

}  // namespace vecdb
