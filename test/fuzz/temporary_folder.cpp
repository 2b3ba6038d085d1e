#include "temporary_folder.h"

#include <cstdlib>
#include <fstream>
#include <system_error>

#include "fuzz.h"

namespace vecdb::fuzz {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  const fs::path memory = "/dev/shm";
  std::error_code error;
  const fs::path parent = fs::is_directory(memory, error) ? memory : fs::temp_directory_path();
  std::string path = parent / "vecdb-fuzz-XXXXXX";
  require(::mkdtemp(path.data()) != nullptr, "the temporary folder cannot be made");
  m_path = path;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  fs::remove_all(m_path, error);
}

fs::path TemporaryFolder::write(const std::string& name, std::span<const char> content) const {
  const fs::path path = m_path / name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  require(file.good(), "the temporary file cannot be written");
  return path;
}

}  // namespace vecdb::fuzz
