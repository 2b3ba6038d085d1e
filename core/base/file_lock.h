#pragma once

#include <filesystem>
#include <string>

#include "base/file.h"

namespace vecdb {

// One process at a time: flock on a file that stays in place and names the process that took it
// last. Held until the object goes; the system lets go of it when the process dies.
class FileLock {
 public:
  // Opens the file, and makes it when it is not there; does not take the lock yet. Throws k_io.
  explicit FileLock(std::filesystem::path file);

  // Waits up to `seconds` for the lock. Whether it was taken: not when it is still held then, or
  // when a signal asks to stop. Throws k_io.
  bool try_lock(double seconds);

  // "process 1234 (vecdb ingest docs)": who took it last.
  std::string holder() const;

 private:
  std::filesystem::path m_path;
  FileDescriptor m_file;
};

}  // namespace vecdb
