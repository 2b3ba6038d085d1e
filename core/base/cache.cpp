#include "base/cache.h"

#include <cstdlib>

namespace vecdb {

std::filesystem::path cache_folder() {
  const auto absolute = [](const char* value) { return value != nullptr && value[0] == '/'; };
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); absolute(xdg)) {
    return std::filesystem::path(xdg) / "vecdb";
  }
  if (const char* home = std::getenv("HOME"); absolute(home)) {
    return std::filesystem::path(home) / ".cache" / "vecdb";
  }
  return {};
}

}  // namespace vecdb
