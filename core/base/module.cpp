#include "base/module.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/error.h"
#include "base/program.h"

namespace vecdb {

void* module_function(const std::string& module, const char* function) {
  const auto folder = program_folder();
  for (const auto& place : {folder, folder / "../" VECDB_MODULE_FOLDER}) {
    const auto path = place / module;
    if (!std::filesystem::exists(path)) continue;
    // Its own libraries lie beside the file itself, not beside a link to it.
    void* handle = ::dlopen(std::filesystem::canonical(path).c_str(), RTLD_NOW | RTLD_LOCAL);
    void* found = handle == nullptr ? nullptr : ::dlsym(handle, function);
    if (found == nullptr) {
      throw Error(ErrorKind::k_io,
                  path.string() + ": cannot be loaded: " + ::dlerror() + "; install vecdb again");
    }
    return found;
  }
  throw Error(ErrorKind::k_io,
              module + ": not found beside " + folder.string() + "; install vecdb again");
}

}  // namespace vecdb
