// Feeds files, and those of folders, to a fuzz target: what once was a finding is tested with any
// compiler.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <span>
#include <vector>

#include "base/file.h"
#include "fuzz.h"

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t k_max_bytes = std::uint64_t{64} << 20U;

std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void replay(const fs::path& path) {
  std::fprintf(stderr, "%s\n", path.c_str());  // before: a crash is to have a name
  const std::string content = vecdb::read_file(path, k_max_bytes);
  const std::vector<std::uint8_t> bytes(content.begin(), content.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::size_t count = 0;
    for (const char* argument : std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
      for (const fs::path& path : files_of(argument)) {
        replay(path);
        ++count;
      }
    }
    if (count == 0) std::fprintf(stderr, "replay: no inputs; give files or folders of them\n");
    return count == 0 ? 1 : 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
}
