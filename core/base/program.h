#pragma once

#include <filesystem>

namespace vecdb {

// Folder of the running executable, symbolic links resolved: where its modules and models are
// looked for.
std::filesystem::path program_folder();

}  // namespace vecdb
