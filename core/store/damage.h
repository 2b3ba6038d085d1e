#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace vecdb {

// The error for a file of a store that is not what was committed; says what to do about it.
Error damaged(const std::filesystem::path& file, const std::string& why);

// The same for an index, which holds nothing that is not elsewhere.
Error damaged_index(const std::filesystem::path& file, const std::string& why);

// The error for a file whose format number is not the one this program knows.
Error of_other_format(const std::filesystem::path& file, const std::string& format);

}  // namespace vecdb
