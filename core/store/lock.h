#pragma once

#include <filesystem>

#include "base/file_lock.h"

namespace vecdb {

// The writer's lock, on the store's LOCK file. Held as long as the object lives.
class StoreLock {
 public:
  // Waits up to `wait_seconds`. Throws k_busy, naming the holder, when it is still held then or a
  // signal asks to stop.
  StoreLock(const std::filesystem::path& file, double wait_seconds);

 private:
  FileLock m_lock;
};

}  // namespace vecdb
