#pragma once

#include <filesystem>
#include <string>

#include "base/file.h"

namespace vecdb {

// One process at a time: flock on a file that names the process that took it last. Held until the
// object goes; the system lets go of it when the process dies. The file stays, or whoever holds the
// lock removes it: those who wait for it see that, and make a new one.
class FileLock {
 public:
  // Opens the file, and makes it when it is not there; does not take the lock yet. Throws k_io.
  explicit FileLock(std::filesystem::path file);

  // Waits up to `seconds` for the lock. Whether it was taken: not when it is still held then, or
  // when a signal asks to stop. Throws k_io.
  bool try_lock(double seconds);

  // Whether the path leads to the file that was opened. Somebody may have removed it, and then another
  // process may hold the lock of a new one.
  bool is_in_place() const noexcept;

  // "process 1234 (vecdb ingest docs)": who took it last. Waits a moment for the name of a process that
  // lives: what is there may still be the name of the one before.
  std::string holder() const;

 private:
  std::filesystem::path m_path;
  FileDescriptor m_file;
};

}  // namespace vecdb
