#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/encoder.h"
#include "model/model_manifest.h"
#include "model/tokenizer.h"

namespace vecdb {

// A model folder that is exactly what its model.json says, ready to be used. Making the encoder
// waits until somebody asks for it.
class Model {
 public:
  // Reads model.json and proves the tokenizer's file. Throws k_model for anything that is not as
  // recorded, k_io for a file that cannot be read.
  explicit Model(std::filesystem::path folder);
  ~Model();
  Model(Model&&) noexcept;

  const ModelManifest& manifest() const noexcept;
  const std::string& fingerprint() const noexcept;
  const Tokenizer& tokenizer() const noexcept;

  // Maps the weights, proves them and the graph (sha256; the weights' is remembered while their
  // file does not change), checks that the weights hold exactly the recorded tensors by name, shape
  // and dtype, and loads libtorch. Throws k_model naming the first tensors that are wrong and how
  // many. The encoder keeps what it needs alive.
  std::shared_ptr<const Encoder> make_encoder(Precision precision) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// Folders that models are looked for in, in order: VECDB_HOME/models when that is set, else
// $XDG_DATA_HOME/vecdb/models (~/.local/share/…); then models/ beside the program, then
// ../share/vecdb/models.
std::vector<std::filesystem::path> model_folders();

// Opens the model of this name. Throws k_model listing the names there are when there is none such,
// and for a name that is a path.
Model open_model(const std::string& name);

inline constexpr const char* k_default_model = "all-MiniLM-L6-v2";

}  // namespace vecdb
