#include "base/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t k_unlimited = std::numeric_limits<std::size_t>::max();

// The number after `key` in a file of lines "KEY NUMBER"; with an empty key the file's first word.
std::optional<std::size_t> number_in(const fs::path& file, const std::string& key) {
  std::ifstream stream(file);
  std::string line;
  while (std::getline(stream, line)) {
    std::istringstream words(line);
    std::string word;
    if (!key.empty() && !(words >> word && word == key)) continue;
    std::size_t number = 0;
    if (words >> number) return number;
    return std::nullopt;  // "max"
  }
  return std::nullopt;
}

std::size_t free_in_system() {
  const auto kibibytes = number_in("/proc/meminfo", "MemAvailable:");
  return kibibytes ? *kibibytes * 1024 : k_unlimited;
}

std::size_t free_in_cgroup(const fs::path& folder) {
  const auto limit = number_in(folder / "memory.max", "");
  const auto used = number_in(folder / "memory.current", "");
  if (!limit || !used) return k_unlimited;
  // Cached files are counted as used, and given up when memory is wanted.
  const std::size_t cached = number_in(folder / "memory.stat", "file").value_or(0);
  const std::size_t held = *used - std::min(*used, cached);
  return *limit - std::min(*limit, held);
}

std::size_t free_in_cgroups() {
  const fs::path root = "/sys/fs/cgroup";
  std::ifstream stream("/proc/self/cgroup");
  std::size_t least = k_unlimited;
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("0::/")) continue;  // version 2
    for (fs::path group = line.substr(4);; group = group.parent_path()) {
      least = std::min(least, free_in_cgroup(root / group));
      if (group.empty()) break;
    }
  }
  return least;
}

std::size_t free_address_space() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return k_unlimited;
  const auto pages = number_in("/proc/self/statm", "");
  const std::size_t used = pages.value_or(0) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return limit.rlim_cur - std::min<std::size_t>(limit.rlim_cur, used);
}

}  // namespace

std::size_t available_memory() {
  return std::min({free_in_system(), free_in_cgroups(), free_address_space()});
}

}  // namespace vecdb
