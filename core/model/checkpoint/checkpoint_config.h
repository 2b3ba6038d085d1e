#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "model/encoder/architecture.h"
#include "model/encoder/safetensors.h"

namespace vecdb {

// Which encoder a Hugging Face checkout holds, by its config.json and the names of its tensors.
struct CheckpointEncoder {
  EncoderShape shape;
  std::string tensor_prefix;  // "bert." where the tensors' names have it, else empty
};

// Nothing is defaulted: throws k_model naming file and key for everything that config.json does not
// say, says in a way that is not known here, or says otherwise than the tensors do.
CheckpointEncoder read_checkpoint_encoder(const std::filesystem::path& checkout,
                                          const std::map<std::string, TensorView>& tensors);

}  // namespace vecdb
