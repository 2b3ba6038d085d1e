#pragma once

#include <string>

namespace vecdb {

// The address of a C function in one of vecdb's own modules: shared objects that hold a library
// that is slow to load, opened at first need. Looked for beside the program (a build), then in the
// module folder below the prefix it is installed under. A module stays loaded. Throws k_io when it
// is not there, cannot be loaded or has no such function.
void* module_function(const std::string& module, const char* function);

}  // namespace vecdb
