#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/model.h"

// The models that are installed on this machine, by name.
namespace vecdb {

inline constexpr const char* k_default_model = "all-MiniLM-L6-v2";

// Folders that models are looked for in, in order: VECDB_HOME/models when that is set, else
// $XDG_DATA_HOME/vecdb/models (~/.local/share/…), which is the user's own; then models/ beside the
// program, then ../share/vecdb/models.
std::vector<std::filesystem::path> model_folders();

struct InstalledModel {
  std::string name;
  std::filesystem::path folder;
};

// Every folder with a model.json, in byte order of their names; of two with one name only the one
// that open_model finds.
std::vector<InstalledModel> installed_models();

// Throws k_model for what cannot be a model's name: a path, or nothing.
void require_model_name(const std::string& name);

// Opens the model of this name. Throws k_model listing the names there are when there is none such,
// and for a name that is a path.
Model open_model(const std::string& name);

// Copies a model folder into the user's own models after check_model() has found it right. The copy
// is checked too, and appears under its name whole or not at all. Throws k_model when it is not
// right or the name is taken, k_io when it cannot be read or written.
void add_model(const std::filesystem::path& source, const std::string& name);

// Removes a model from the user's own models. Throws k_model when it is not there: those that came
// with the program stay.
void remove_model(const std::string& name);

}  // namespace vecdb
