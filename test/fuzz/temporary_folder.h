#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace vecdb::fuzz {

// A folder that lives as long as the process, in memory where the system has such a place.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return m_path; }
  // Writes a file anew and returns its path.
  std::filesystem::path write(const std::string& name, std::span<const char> content) const;

 private:
  std::filesystem::path m_path;
};

}  // namespace vecdb::fuzz
