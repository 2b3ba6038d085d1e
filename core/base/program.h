#pragma once

#include <filesystem>

namespace vecdb {

// The running executable, symbolic links resolved.
std::filesystem::path program_file();

// Folder of the running executable, symbolic links resolved: where its modules and models are
// looked for.
std::filesystem::path program_folder();

}  // namespace vecdb
