#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"

namespace vecdb {

// A JSON file of a checkout. Throws k_model when it is absent, cannot be read, or is no JSON.
Json read_checkpoint_json(const std::filesystem::path& path);

// The same, or an empty object when there is no such file.
Json read_checkpoint_json_if_present(const std::filesystem::path& path);

// The model card, README.md; empty when there is none.
std::string read_model_card(const std::filesystem::path& checkout);

}  // namespace vecdb
