#pragma once

#include <filesystem>
#include <string>

#include "model/tokenizer/tokenizer_settings.h"

namespace vecdb {

// A checkout's tokenizer as a model folder has it.
struct CheckpointFile {
  std::filesystem::path source;  // the checkout's file that it was made from
  TokenizerSettings settings;
  std::string content;      // of settings.file
  bool lower_case = false;  // whether it lower-cases texts
};

}  // namespace vecdb
