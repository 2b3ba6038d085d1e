#include "store/lock.h"

#include "base/error.h"

namespace vecdb {

StoreLock::StoreLock(const std::filesystem::path& file, double wait_seconds) : m_lock(file) {
  if (!m_lock.try_lock(wait_seconds)) {
    throw Error(ErrorKind::k_busy, file.parent_path().string() + ": is being changed by " +
                                       m_lock.holder() + "; try again when that has ended");
  }
}

}  // namespace vecdb
