#pragma once

#include <filesystem>

namespace vecdb {

// A folder of its own where the system keeps temporary files ($TMPDIR, else /tmp), gone with the
// object. Throws k_io.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return m_path; }

 private:
  std::filesystem::path m_path;
};

}  // namespace vecdb
