#include "scratch_folder.h"

#include <cstdlib>
#include <string>

#include "base/error.h"

namespace vecdb {

namespace fs = std::filesystem;

ScratchFolder::ScratchFolder() {
  const char* named = std::getenv("TMPDIR");
  const fs::path parent = named != nullptr && named[0] != '\0' ? named : "/tmp";
  std::string name = parent / "vecdb-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::k_io, parent.string() + ": cannot make a temporary folder here: " +
                                     last_system_error() +
                                     "; let TMPDIR name another place, or give --store");
  }
  m_path = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(m_path, ignored);
}

}  // namespace vecdb
