#include "model/checkpoint/checkpoint_pipeline.h"

#include <algorithm>

#include "model/checkpoint/checkpoint_files.h"
#include "model/encoder/encoder_shape_json.h"
#include "model/json_fields.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

// Names of the pooling's kinds, in either of sentence-transformers' two spellings.
std::vector<std::string> pooling_modes(JsonFields& fields, const Json& json) {
  std::vector<std::string> modes;
  if (json.contains("pooling_mode")) {
    const Json& value = json.at("pooling_mode");
    if (value.is_string()) return {value.get<std::string>()};
    for (const auto& mode : fields.array("pooling_mode")) {
      if (!mode.is_string()) throw fields.wrong("pooling_mode holds what is no name");
      modes.push_back(mode.get<std::string>());
    }
    return modes;
  }
  for (const auto& [key, value] : json.items()) {
    if (key.starts_with("pooling_mode_") && fields.flag(key)) modes.push_back(key);
  }
  return modes;
}

std::string read_pooling(const fs::path& path, std::size_t hidden) {
  const Json json = read_checkpoint_json(path);
  JsonFields fields(json, path.string(), "");
  const bool recent = fields.has("embedding_dimension");
  const char* width = recent ? "embedding_dimension" : "word_embedding_dimension";
  if (fields.count(width, 1, k_max_encoder_size) != hidden) {
    throw fields.wrong(std::string(width) + " is not config.json's hidden_size");
  }
  if (fields.has("include_prompt") && !fields.flag("include_prompt")) {
    throw fields.wrong("include_prompt is false; only true is known to vecdb");
  }
  const auto modes = pooling_modes(fields, json);
  std::string listed;
  for (const auto& mode : modes) listed += (listed.empty() ? "" : ", ") + mode;
  if (listed == "mean" || listed == "pooling_mode_mean_tokens") return "mean";
  if (listed == "cls" || listed == "pooling_mode_cls_token") return "cls";
  throw fields.wrong("the pooling [" + listed + "] is not known to vecdb");
}

// "Pooling" of "sentence_transformers.models.Pooling", and the folder it is configured in.
struct Module {
  std::string kind;
  std::string folder;
};

std::vector<Module> read_modules(const fs::path& path) {
  const Json json = read_checkpoint_json(path);
  if (!json.is_array()) throw Error(ErrorKind::k_model, path.string() + ": is not an array");
  std::vector<Module> modules;
  for (const auto& value : json) {
    JsonFields fields(value, path.string(), "");
    const std::string type = fields.text("type");
    modules.push_back({type.substr(type.rfind('.') + 1), fields.text("path")});
  }
  return modules;
}

// A folder inside the checkout, as modules.json names it: "1_Pooling".
fs::path inside(const fs::path& checkout, const std::string& folder, const fs::path& said_by) {
  const fs::path path = fs::path(folder).lexically_normal();
  if (path.is_absolute() || (!path.empty() && *path.begin() == "..")) {
    throw Error(ErrorKind::k_model,
                said_by.string() + ": the path \"" + folder + "\" leads out of the checkout");
  }
  return checkout / path;
}

// A checkout of the jina models need not say it: nothing in the architecture bounds a text, and the
// configuration's positions are the length that was meant.
std::size_t read_window(const fs::path& checkout, const EncoderShape& shape) {
  const fs::path path = checkout / "sentence_bert_config.json";
  const Json json = read_checkpoint_json_if_present(path);
  JsonFields fields(json, path.string(), "");
  const std::size_t longest = longest_text(shape);
  const bool jina = shape.architecture.starts_with("jina-");
  if (jina && !fields.has("max_seq_length")) return longest;
  const std::size_t most = jina ? shape.max_position_embeddings : longest;
  return std::min(fields.count("max_seq_length", 3, most), longest);
}

std::vector<std::size_t> read_dimensions(const fs::path& checkout, const EncoderShape& shape) {
  const fs::path path = checkout / "config.json";
  const Json json = read_checkpoint_json(path);
  JsonFields fields(json, path.string(), "");
  std::vector<std::size_t> dimensions;
  if (!fields.has("matryoshka_dimensions")) return dimensions;
  for (const auto& value : fields.array("matryoshka_dimensions")) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1 ||
        value.get<std::uint64_t>() > shape.hidden_size) {
      throw fields.wrong("matryoshka_dimensions holds what is no dimension");
    }
    dimensions.push_back(value.get<std::size_t>());
  }
  std::sort(dimensions.begin(), dimensions.end());
  dimensions.erase(std::unique(dimensions.begin(), dimensions.end()), dimensions.end());
  return dimensions;
}

}  // namespace

CheckpointPipeline read_checkpoint_pipeline(const fs::path& checkout, const EncoderShape& shape) {
  const fs::path path = checkout / "modules.json";
  const auto modules = read_modules(path);
  std::string kinds;
  for (const auto& module : modules) kinds += (kinds.empty() ? "" : ", ") + module.kind;
  const bool normalize = kinds == "Transformer, Pooling, Normalize";
  if (!normalize && kinds != "Transformer, Pooling") {
    throw Error(ErrorKind::k_model,
                path.string() + ": the pipeline [" + kinds + "] is not known to vecdb");
  }
  if (!modules[0].folder.empty()) {
    throw Error(ErrorKind::k_model, path.string() + ": the encoder lies in \"" + modules[0].folder +
                                        "\", not beside modules.json");
  }
  const fs::path pooling = inside(checkout, modules[1].folder, path) / "config.json";
  return {.pooling = read_pooling(pooling, shape.hidden_size),
          .normalize = normalize,
          .window = read_window(checkout, shape),
          .dimensions = read_dimensions(checkout, shape)};
}

}  // namespace vecdb
