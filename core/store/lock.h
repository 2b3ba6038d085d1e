#pragma once

#include <filesystem>

#include "base/file.h"

namespace vecdb {

// The writer's lock: flock on the store's LOCK file, which stays in place and names the process
// that took it last. Held as long as the object lives; the system lets go of it when the process
// dies.
class StoreLock {
 public:
  // Waits up to `wait_seconds`. Throws k_busy, naming the holder, when it is still held then or a
  // signal asks to stop.
  StoreLock(const std::filesystem::path& file, double wait_seconds);

 private:
  FileDescriptor m_file;
};

}  // namespace vecdb
