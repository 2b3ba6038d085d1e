#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/checkpoint/make_model.h"
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

// Puts a model into the user's own models: `source` is a model folder, or a Hugging Face checkout
// that make_model() turns into one (options.name is the model's name). check_model() must find it
// right; it appears under its name whole or not at all. Throws k_model when it is not right or the
// name is taken, k_io when it cannot be read or written.
void add_model(const std::filesystem::path& source, const MakeModelOptions& options);

// Turns a Hugging Face checkout into a model folder at `out`, wherever that is, without installing
// it: make_model(), then check_model(). Throws as they do, and k_io when `out` exists already.
void make_model_folder(const std::filesystem::path& checkout, const std::filesystem::path& out,
                       const MakeModelOptions& options);

// Removes a model from the user's own models. Throws k_model when it is not there: those that came
// with the program stay.
void remove_model(const std::string& name);

}  // namespace vecdb
