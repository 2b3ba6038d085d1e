#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "model/encoder/safetensors.h"
#include "model/model_manifest.h"

namespace vecdb {

// Whether an unchanged file that was hashed before is hashed again.
enum class HashCheck { k_cached, k_full };

// The mapped weights of a model, proven to hold exactly the tensors that model.json records: by
// name, shape and dtype, and byte for byte by their sha256.
class Weights {
 public:
  // Throws k_model naming the first tensors that are wrong and how many, k_io when the file cannot
  // be read.
  Weights(const std::filesystem::path& file, const ModelManifest& manifest, HashCheck check);

  // By name; the views live as long as this object.
  std::span<const std::pair<std::string, TensorView>> tensors() const { return m_tensors; }

 private:
  MappedFile m_file;
  std::vector<std::pair<std::string, TensorView>> m_tensors;
};

// Throws k_model unless `found` holds exactly the tensors of the manifest by name, shape and dtype,
// beside those it lists as ignored. The message names the first ones that are wrong, how many there
// are, and `verdict`.
void require_tensors(const std::map<std::string, TensorView>& found, const ModelManifest& manifest,
                     const std::string& where, const std::string& verdict);

// The error for a file of a model whose sha256 is another than model.json records.
Error not_as_recorded(const std::filesystem::path& file);

}  // namespace vecdb
