#include "model/encoder/architecture.h"

#include <algorithm>
#include <array>

#include "model/encoder/embedded_graphs.h"

namespace vecdb {

namespace {

const std::vector<std::string_view> k_pooler = {"embeddings.position_ids", "pooler.dense.weight",
                                                "pooler.dense.bias"};
const std::vector<std::string_view> k_bert_heads = {
    "cls.predictions.bias",
    "cls.predictions.decoder.bias",
    "cls.predictions.decoder.weight",
    "cls.predictions.transform.LayerNorm.bias",
    "cls.predictions.transform.LayerNorm.weight",
    "cls.predictions.transform.dense.bias",
    "cls.predictions.transform.dense.weight",
    "cls.seq_relationship.bias",
    "cls.seq_relationship.weight",
};
const std::vector<std::string_view> k_roberta_heads = {
    "lm_head.bias",
    "lm_head.decoder.bias",
    "lm_head.decoder.weight",
    "lm_head.dense.bias",
    "lm_head.dense.weight",
    "lm_head.layer_norm.bias",
    "lm_head.layer_norm.weight",
};
const std::vector<std::string_view> k_adapted_pooler = {
    "pooler.dense.bias",
    "pooler.dense.parametrizations.weight.0.lora_A",
    "pooler.dense.parametrizations.weight.0.lora_B",
    "pooler.dense.parametrizations.weight.original",
    "pooler.dense.weight",
};

const std::array<Architecture, 6> k_architectures = {{
    {"bert", "bert", true, "bert.", k_pooler, k_bert_heads},
    {"xlm-roberta", "bert", true, "roberta.", k_pooler, k_roberta_heads},
    {"jina-bert", "jina-bert", true, "bert.", k_pooler, k_bert_heads},
    {"jina-bert-qk-norm", "jina-bert-qk-norm", true, "bert.", k_pooler, k_bert_heads},
    // jina-embeddings-v3 as its authors published it, and as transformers writes it.
    {"jina-v3", "jina-v3", false, "roberta.", k_adapted_pooler, k_roberta_heads},
    {"jina-v3-plain", "jina-v3-plain", false, "roberta.", k_pooler, k_roberta_heads},
}};

// Gathers the tensors of the layers that encoders are made of.
class TensorTable {
 public:
  explicit TensorTable(const EncoderShape& shape) : m_shape(shape) {}

  void add(const std::string& name, std::initializer_list<std::size_t> extents) {
    TensorShape& shape = m_tensors[name];
    for (const std::size_t extent : extents) shape.push_back(static_cast<std::int64_t>(extent));
  }

  void norm(const std::string& name) {
    add(name + ".weight", {m_shape.hidden_size});
    add(name + ".bias", {m_shape.hidden_size});
  }

  void linear(const std::string& name, std::size_t out, std::size_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }

  // W + B·A, the matrices of all tasks side by side; plain where there are no tasks.
  void adapted_linear(const std::string& name, std::size_t out, std::size_t in) {
    if (m_shape.adapters.empty()) return linear(name, out, in);
    adapted(name, {out, in}, {m_shape.lora_rank, in}, {out, m_shape.lora_rank});
    add(name + ".bias", {out});
  }

  void adapted_rows(const std::string& name, std::size_t rows) {
    const std::size_t wide = m_shape.hidden_size;
    if (m_shape.adapters.empty()) return add(name + ".weight", {rows, wide});
    adapted(name, {rows, wide}, {rows, m_shape.lora_rank}, {m_shape.lora_rank, wide});
  }

  std::map<std::string, TensorShape> take() { return std::move(m_tensors); }

 private:
  struct Matrix {
    std::size_t rows;
    std::size_t columns;
  };
  void adapted(const std::string& name, Matrix weight, Matrix a, Matrix b) {
    const std::string own = name + ".parametrizations.weight.";
    add(own + "original", {weight.rows, weight.columns});
    add(own + "0.lora_A", {m_shape.adapters.size(), a.rows, a.columns});
    add(own + "0.lora_B", {m_shape.adapters.size(), b.rows, b.columns});
  }

  const EncoderShape& m_shape;
  std::map<std::string, TensorShape> m_tensors;
};

void add_bert_layer(TensorTable& table, const EncoderShape& shape, const std::string& layer) {
  const std::size_t wide = shape.hidden_size;
  const std::size_t inner = shape.intermediate_size;
  for (const char* part : {"query", "key", "value"}) {
    table.linear(layer + "attention.self." + part, wide, wide);
  }
  table.linear(layer + "attention.output.dense", wide, wide);
  table.norm(layer + "attention.output.LayerNorm");
  if (shape.architecture == "jina-bert") {
    table.add(layer + "mlp.gated_layers.weight", {2 * inner, wide});
    table.linear(layer + "mlp.wo", wide, inner);
    table.norm(layer + "mlp.layernorm");
  } else if (shape.architecture == "jina-bert-qk-norm") {
    for (const char* name : {"attention.self.layer_norm_q", "attention.self.layer_norm_k",
                             "layer_norm_1", "layer_norm_2"}) {
      table.norm(layer + name);
    }
    table.add(layer + "mlp.up_gated_layer.weight", {2 * inner, wide});
    table.linear(layer + "mlp.down_layer", wide, inner);
  } else {
    table.linear(layer + "intermediate.dense", inner, wide);
    table.linear(layer + "output.dense", wide, inner);
    table.norm(layer + "output.LayerNorm");
  }
}

void add_jina_v3_layer(TensorTable& table, const EncoderShape& shape, const std::string& layer) {
  const std::size_t wide = shape.hidden_size;
  const std::size_t inner = shape.intermediate_size;
  table.adapted_linear(layer + "mixer.Wqkv", 3 * wide, wide);
  table.adapted_linear(layer + "mixer.out_proj", wide, wide);
  table.norm(layer + "norm1");
  table.adapted_linear(layer + "mlp.fc1", inner, wide);
  table.adapted_linear(layer + "mlp.fc2", wide, inner);
  table.norm(layer + "norm2");
}

void add_jina_v3_plain_layer(TensorTable& table, const EncoderShape& shape,
                             const std::string& layer) {
  const std::size_t wide = shape.hidden_size;
  for (const char* part : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
    table.linear(layer + "self_attn." + part, wide, wide);
  }
  table.norm(layer + "post_attention_layernorm");
  table.linear(layer + "mlp.fc1", shape.intermediate_size, wide);
  table.linear(layer + "mlp.fc2", wide, shape.intermediate_size);
  table.norm(layer + "post_mlp_layernorm");
}

bool has_position_table(const EncoderShape& shape) {
  return shape.architecture == "bert" || shape.architecture == "xlm-roberta";
}

}  // namespace

const Architecture* find_architecture(std::string_view name) {
  const auto found = std::find_if(k_architectures.begin(), k_architectures.end(),
                                  [&](const Architecture& each) { return each.name == name; });
  return found == k_architectures.end() ? nullptr : &*found;
}

std::map<std::string, TensorShape> tensors_of(const EncoderShape& shape) {
  TensorTable table(shape);
  const bool authors_v3 = shape.architecture == "jina-v3";
  const bool plain_v3 = shape.architecture == "jina-v3-plain";
  table.adapted_rows("embeddings.word_embeddings", shape.vocab_size);
  table.adapted_rows("embeddings.token_type_embeddings", shape.type_vocab_size);
  table.norm(authors_v3 ? "emb_ln" : "embeddings.LayerNorm");
  if (has_position_table(shape)) {
    table.add("embeddings.position_embeddings.weight",
              {shape.max_position_embeddings, shape.hidden_size});
  }
  for (std::size_t i = 0; i < shape.num_hidden_layers; ++i) {
    const std::string number = std::to_string(i);
    if (authors_v3) {
      add_jina_v3_layer(table, shape, "encoder.layers." + number + ".");
    } else if (plain_v3) {
      add_jina_v3_plain_layer(table, shape, "layers." + number + ".");
    } else {
      add_bert_layer(table, shape, "encoder.layer." + number + ".");
    }
  }
  return table.take();
}

std::size_t longest_text(const EncoderShape& shape) {
  return shape.max_position_embeddings - shape.first_position;
}

std::map<std::string, double> graph_options_of(const EncoderShape& shape) {
  const auto number = [](std::size_t value) { return static_cast<double>(value); };
  std::map<std::string, double> options = {{"layers", number(shape.num_hidden_layers)},
                                           {"heads", number(shape.num_attention_heads)},
                                           {"epsilon", shape.layer_norm_eps},
                                           {"first_position", number(shape.first_position)},
                                           {"rope_base", shape.rope_base},
                                           {"lora_scale", 0}};
  if (!shape.adapters.empty()) options["lora_scale"] = shape.lora_alpha / number(shape.lora_rank);
  return options;
}

std::span<const std::byte> graph_of(const Architecture& architecture) {
  return embedded_graph(architecture.graph);
}

}  // namespace vecdb
