#include "model/encoder/encoder_shape_json.h"

#include <algorithm>

#include "model/json_fields.h"

namespace vecdb {

Json json_of(const EncoderShape& shape) {
  return {{"architecture", shape.architecture},
          {"num_hidden_layers", shape.num_hidden_layers},
          {"num_attention_heads", shape.num_attention_heads},
          {"hidden_size", shape.hidden_size},
          {"intermediate_size", shape.intermediate_size},
          {"vocab_size", shape.vocab_size},
          {"type_vocab_size", shape.type_vocab_size},
          {"max_position_embeddings", shape.max_position_embeddings},
          {"layer_norm_eps", shape.layer_norm_eps},
          {"first_position", shape.first_position},
          {"rope_base", shape.rope_base},
          {"adapters", shape.adapters},
          {"lora_rank", shape.lora_rank},
          {"lora_alpha", shape.lora_alpha}};
}

EncoderShape encoder_shape_of(const Json& json, const std::string& where) {
  JsonFields fields(json, where);
  EncoderShape shape;
  shape.architecture = fields.text("architecture");
  if (find_architecture(shape.architecture) == nullptr) {
    throw fields.wrong("the architecture \"" + shape.architecture +
                       "\" is not known to this version of vecdb");
  }
  read_sizes(shape, fields);
  shape.first_position = fields.count("first_position", 0, k_max_encoder_size);
  shape.rope_base = fields.number("rope_base");
  for (const auto& name : fields.array("adapters")) {
    if (!name.is_string()) throw fields.wrong("adapters holds what is no name");
    shape.adapters.push_back(name.get<std::string>());
  }
  shape.lora_rank = fields.count("lora_rank", 0, k_max_encoder_size);
  shape.lora_alpha = fields.number("lora_alpha");
  fields.finish();
  check_shape(shape, fields);
  return shape;
}

void read_sizes(EncoderShape& shape, JsonFields& fields) {
  shape.num_hidden_layers = fields.count("num_hidden_layers", 1, k_max_encoder_size);
  shape.num_attention_heads = fields.count("num_attention_heads", 1, k_max_encoder_size);
  shape.hidden_size = fields.count("hidden_size", 1, k_max_encoder_size);
  shape.intermediate_size = fields.count("intermediate_size", 1, k_max_encoder_size);
  shape.vocab_size = fields.count("vocab_size", 1, k_max_encoder_size);
  shape.type_vocab_size = fields.count("type_vocab_size", 1, k_max_encoder_size);
  shape.max_position_embeddings = fields.count("max_position_embeddings", 1, k_max_encoder_size);
  shape.layer_norm_eps = fields.number("layer_norm_eps");
}

void check_shape(const EncoderShape& shape, const JsonFields& fields) {
  constexpr std::size_t k_max_layers = 1024;
  if (shape.num_hidden_layers > k_max_layers) {
    throw fields.wrong("num_hidden_layers is " + std::to_string(shape.num_hidden_layers) +
                       ", more than " + std::to_string(k_max_layers));
  }
  if (shape.hidden_size % shape.num_attention_heads != 0) {
    throw fields.wrong("num_attention_heads does not divide hidden_size");
  }
  const bool rotary = shape.architecture.starts_with("jina-v3");
  if (rotary && (shape.hidden_size / shape.num_attention_heads) % 2 != 0) {
    throw fields.wrong(
        "hidden_size / num_attention_heads is odd, which rotary positions cannot be");
  }
  if (!(shape.layer_norm_eps > 0)) throw fields.wrong("layer_norm_eps is not above 0");
  if (rotary && !(shape.rope_base > 0))
    throw fields.wrong("the base of rotary positions is not above 0");
  if (shape.first_position + 3 > shape.max_position_embeddings) {
    throw fields.wrong("max_position_embeddings leaves no room for a text");
  }
  if (!shape.adapters.empty() && shape.lora_rank == 0) throw fields.wrong("lora_rank is 0");
  auto names = shape.adapters;
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
    throw fields.wrong("two adapters have one name");
  }
}

}  // namespace vecdb
