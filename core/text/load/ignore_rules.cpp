#include "text/load/ignore_rules.h"

#include <cstdint>
#include <system_error>

#include "base/file.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t k_max_ignore_file = std::uint64_t{1} << 20U;

PathPatterns read_patterns(const fs::path& file, std::vector<Skipped>& problems) {
  std::error_code ignored;
  const fs::file_type type = fs::status(file, ignored).type();
  if (type == fs::file_type::not_found || type == fs::file_type::directory) return {};
  try {
    return PathPatterns::parse(read_file(file, k_max_ignore_file));
  } catch (const Error& error) {
    Skipped problem = skipped(file, error);
    problem.reason.insert(0, "its patterns do not hold: it ");
    problems.push_back(std::move(problem));
    return {};
  }
}

bool is_repository(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / ".git", ignored);
}

}  // namespace

IgnoreRules::IgnoreRules(const fs::path& root, std::vector<Skipped>& problems) {
  std::vector<fs::path> above;  // the nearest first, up to the repository's root
  for (fs::path folder = uri_of(root); !is_repository(folder); above.push_back(folder)) {
    if (folder == folder.parent_path()) return;
    folder = folder.parent_path();
  }
  for (auto folder = above.rbegin(); folder != above.rend(); ++folder) enter(*folder, problems);
}

void IgnoreRules::enter(const fs::path& folder, std::vector<Skipped>& problems) {
  const std::size_t size = uri_of(folder).size();
  const bool repository = is_repository(folder);
  m_folders.push_back(
      {.prefix = size == 1 ? 1 : size + 1,  // "/" and "/a"
       .excludes = repository ? read_patterns(folder / ".git" / "info" / "exclude", problems)
                              : PathPatterns(),
       .gitignore = read_patterns(folder / ".gitignore", problems),
       .vecdbignore = read_patterns(folder / ".vecdbignore", problems),
       .is_repository = repository});
}

bool IgnoreRules::exclude(std::string_view uri, PathKind kind) const {
  bool same_repository = true;
  for (auto each = m_folders.rbegin(); each != m_folders.rend(); ++each) {
    const Folder& folder = *each;
    const std::string_view path = uri.substr(folder.prefix);
    if (const auto verdict = folder.vecdbignore.verdict(path, kind)) return *verdict;
    if (same_repository) {
      if (const auto verdict = folder.gitignore.verdict(path, kind)) return *verdict;
      if (const auto verdict = folder.excludes.verdict(path, kind)) return *verdict;
    }
    same_repository = same_repository && !folder.is_repository;
  }
  return false;
}

}  // namespace vecdb
