#pragma once

#include <filesystem>

namespace vecdb {

// $XDG_CACHE_HOME/vecdb, else ~/.cache/vecdb: for what can be made again. Not created. Empty when
// the environment names no absolute folder.
std::filesystem::path cache_folder();

}  // namespace vecdb
