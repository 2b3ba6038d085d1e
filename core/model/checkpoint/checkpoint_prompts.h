#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "model/encoder/architecture.h"
#include "model/model_manifest.h"

namespace vecdb {

// What the user says where the checkout says nothing.
struct GivenPrefixes {
  std::optional<std::string> query;
  std::optional<std::string> passage;
};

struct CheckpointPrompts {
  Prompt query;
  Prompt passage;
  std::map<std::string, Prompt> tasks;
};

// The prompts of config_sentence_transformers.json and config.json's task_instructions, else as
// given. `name` is the model's. Throws k_model where the two disagree, and for a model of the E5
// family without prefixes: it is useless without them.
CheckpointPrompts read_checkpoint_prompts(const std::filesystem::path& checkout,
                                          const EncoderShape& shape, const std::string& name,
                                          const GivenPrefixes& given);

// The licence that the model card's front matter names, or "not stated". For people; nothing
// depends on it.
std::string read_checkpoint_licence(const std::filesystem::path& checkout);

}  // namespace vecdb
