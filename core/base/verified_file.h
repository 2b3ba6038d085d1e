#pragma once

#include <string>

#include "base/file.h"

namespace vecdb {

// Whether the file's content has this SHA-256. Hashing is skipped when the same stamp (device,
// inode, size, mtime, ctime) was found right before; that memory is a folder of empty files under
// $XDG_CACHE_HOME/vecdb (else ~/.cache/vecdb), named by stamp and digest. Without a writable cache
// every call hashes. Damage that leaves the whole stamp alone is therefore not seen here.
bool has_sha256(const MappedFile& file, const std::string& sha256);

}  // namespace vecdb
