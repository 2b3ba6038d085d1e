// Input: a part, the path; the rest, an ignore file. A second opinion on the globs is a matcher
// that tries every way, for patterns that are short enough for it.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/glob.h"
#include "fuzz.h"
#include "text/load/path_patterns.h"

using namespace vecdb;
using fuzz::require;

namespace {

// Globs of '*', '?', '**/' at the start of a name, and bytes that are no others' beginning.
bool matches_plainly(std::string_view glob, std::string_view path, bool begins_name) {
  if (glob.empty()) return path.empty();
  if (begins_name && glob.starts_with("**/")) {
    if (matches_plainly(glob.substr(3), path, true)) return true;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path[i] == '/' && matches_plainly(glob.substr(3), path.substr(i + 1), true)) return true;
    }
    return false;
  }
  if (begins_name && glob == "**") return true;
  if (glob[0] == '*') {
    const std::string_view rest = glob.substr(1);
    for (std::size_t i = 0;; ++i) {
      if (matches_plainly(rest, path.substr(i), false)) return true;
      if (i == path.size() || path[i] == '/') return false;
    }
  }
  if (path.empty() || (glob[0] == '?' ? path[0] == '/' : path[0] != glob[0])) return false;
  return matches_plainly(glob.substr(1), path.substr(1), glob[0] == '/');
}

bool is_plain(std::string_view glob) {
  return glob.size() <= 10 && glob.find_first_of("[\\") == std::string_view::npos &&
         glob.find("***") == std::string_view::npos;
}

void check_glob(std::string_view pattern, std::string_view path) {
  const Glob glob(pattern);
  const bool matches = glob.matches(path);
  require(glob.is_valid() || !matches, "a glob that can match nothing matches");
  if (is_plain(pattern) && path.size() <= 20) {
    const auto special = std::min(pattern.find_first_of("*?"), pattern.size());
    const std::string_view prefix = pattern.substr(0, special);
    const bool expected = path.starts_with(prefix) &&
                          matches_plainly(pattern.substr(special), path.substr(special), true);
    require(matches == expected, "a glob matches otherwise than by trying every way");
  }
  std::string escaped;
  for (const char byte : pattern) escaped += {'\\', byte};
  require(Glob(escaped).matches(pattern), "an escaped glob does not match its own bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const fuzz::Parts::Bytes path = parts.part();
  const fuzz::Parts::Bytes lines = parts.rest();
  const PathPatterns patterns = PathPatterns::parse(fuzz::view(lines));
  const auto of_file = patterns.verdict(fuzz::view(path), PathKind::k_file);
  const auto of_folder = patterns.verdict(fuzz::view(path), PathKind::k_folder);
  require(!patterns.empty() || (!of_file && !of_folder), "no pattern has a verdict");
  check_glob(fuzz::view(lines), fuzz::view(path));
  return 0;
}
