#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "model/encoder/encoder.h"
#include "model/model_manifest.h"
#include "model/tokenizer/tokenizer.h"

namespace vecdb {

// A model folder that is exactly what its model.json says, ready to be used. Making the encoder
// waits until somebody asks for it. Copies share what was read.
class Model {
 public:
  // Reads model.json and proves the tokenizer's file. Throws k_model for anything that is not as
  // recorded, k_io for a file that cannot be read.
  explicit Model(std::filesystem::path folder);

  const std::filesystem::path& folder() const noexcept;
  const ModelManifest& manifest() const noexcept;
  const std::string& fingerprint() const noexcept;
  const Tokenizer& tokenizer() const noexcept;

  // Maps the weights, proves them and the graph (sha256; the weights' is remembered while their
  // file does not change), checks that the weights hold exactly the recorded tensors by name, shape
  // and dtype, and loads the engine. Throws k_model naming the first tensors that are wrong and how
  // many. The encoder keeps what it needs alive.
  std::shared_ptr<const Encoder> make_encoder(Precision precision, Engine engine) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> m_impl;
};

}  // namespace vecdb
