#include "model/checkpoint/checkpoint_config.h"

#include <algorithm>

#include "base/file.h"
#include "base/json.h"
#include "model/checkpoint/checkpoint_files.h"
#include "model/encoder/encoder_shape_json.h"
#include "model/json_fields.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

using Tensors = std::map<std::string, TensorView>;

bool any_name(const Tensors& tensors, std::string_view part) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
    return tensor.first.find(part) != std::string::npos;
  });
}

std::string text_or(JsonFields& fields, const std::string& key, const std::string& absent) {
  return fields.has(key) ? fields.text(key) : absent;
}

// jina-embeddings-v3 calls itself "xlm-roberta" where its authors wrote the configuration.
bool is_jina_v3(JsonFields& fields) {
  const std::string type = fields.text("model_type");
  return type == "jina_embeddings_v3" ||
         (type == "xlm-roberta" &&
          text_or(fields, "position_embedding_type", "absolute") == "rotary");
}

// The architecture that config.json names; the tensors' names must then prove to be its own.
// JinaBERT calls itself "bert" and is told by its kind of positions. position_embedding_type is
// absent where a recent transformers wrote the file: relative positions would have tensors of their
// own.
std::string choose_architecture(JsonFields& fields, const Tensors& tensors) {
  if (is_jina_v3(fields)) return any_name(tensors, "emb_ln.weight") ? "jina-v3" : "jina-v3-plain";
  const std::string type = fields.text("model_type");
  const std::string positions = text_or(fields, "position_embedding_type", "absolute");
  const std::string feed_forward = text_or(fields, "feed_forward_type", "original");
  if (type == "bert" && positions == "alibi" && feed_forward == "geglu") {
    return any_name(tensors, "attention.self.layer_norm_q.weight") ? "jina-bert-qk-norm"
                                                                   : "jina-bert";
  }
  if (positions == "absolute" && feed_forward == "original") {
    if (type == "bert") return "bert";
    if (type == "xlm-roberta") return "xlm-roberta";
  }
  throw fields.wrong("model_type \"" + type + "\" with position_embedding_type \"" + positions +
                     "\" and feed_forward_type \"" + feed_forward + "\" is not known to vecdb");
}

void require_encoder(JsonFields& fields) {
  for (const char* key : {"is_decoder", "add_cross_attention"}) {
    if (fields.has(key) && fields.flag(key)) {
      throw fields.wrong(std::string(key) + " is true: this is no encoder");
    }
  }
  const std::string activation = fields.text("hidden_act");
  if (activation != "gelu") {
    throw fields.wrong("hidden_act is \"" + activation + "\"; only \"gelu\" is known to vecdb");
  }
}

double read_rope_base(JsonFields& fields, const std::string& where) {
  if (!fields.has("rope_parameters")) return fields.number("rotary_emb_base");
  JsonFields rope(fields.object("rope_parameters"), where + ": rope_parameters", "");
  const double base = rope.number("rope_theta");
  const std::string type = rope.text("rope_type");
  if (type != "default")
    throw rope.wrong("rope_type is \"" + type + "\"; only \"default\" is known");
  if (rope.has("partial_rotary_factor") && rope.number("partial_rotary_factor") != 1) {
    throw rope.wrong("partial_rotary_factor is not 1");
  }
  rope.finish();
  if (fields.has("rotary_emb_base") && fields.number("rotary_emb_base") != base) {
    throw fields.wrong("rotary_emb_base is not rope_theta");
  }
  return base;
}

void read_adapters(EncoderShape& shape, JsonFields& fields, const Tensors& tensors) {
  const bool adapted = any_name(tensors, ".parametrizations.weight.");
  if (!adapted && !fields.has("lora_adaptations")) return;
  if (!adapted) throw fields.wrong("lora_adaptations names adapters, and the weights hold none");
  for (const auto& name : fields.array("lora_adaptations")) {
    if (!name.is_string()) throw fields.wrong("lora_adaptations holds what is no name");
    shape.adapters.push_back(name.get<std::string>());
  }
  if (shape.adapters.empty()) throw fields.wrong("lora_adaptations is empty");
  shape.lora_rank = fields.count("lora_rank", 1, k_max_encoder_size);
  shape.lora_alpha = fields.number("lora_alpha");
}

std::string prefix_of(const Tensors& tensors, const Architecture& architecture) {
  const std::string prefix(architecture.prefix);
  const bool prefixed = std::any_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
    return tensor.first.starts_with(prefix + "embeddings.");
  });
  return prefixed ? prefix : "";
}

}  // namespace

CheckpointEncoder read_checkpoint_encoder(const fs::path& checkout, const Tensors& tensors) {
  const fs::path path = checkout / "config.json";
  const Json json = read_checkpoint_json(path);
  JsonFields fields(json, path.string(), "");
  EncoderShape shape;
  shape.architecture = choose_architecture(fields, tensors);
  require_encoder(fields);
  read_sizes(shape, fields);
  const bool jina_v3 = shape.architecture.starts_with("jina-v3");
  if (jina_v3 || shape.architecture == "xlm-roberta") {
    shape.first_position = fields.count("pad_token_id", 0, k_max_encoder_size) + 1;
  }
  if (jina_v3) {
    shape.rope_base = read_rope_base(fields, path.string());
    read_adapters(shape, fields, tensors);
  }
  check_shape(shape, fields);
  return {shape, prefix_of(tensors, *find_architecture(shape.architecture))};
}

}  // namespace vecdb
