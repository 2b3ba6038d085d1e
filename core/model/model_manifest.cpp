#include "model/model_manifest.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "model/json_fields.h"
#include "model/tokenizer_settings_json.h"

namespace vecdb {

namespace {

constexpr std::uint64_t k_max_manifest_bytes = 16U << 20U;
constexpr std::uint64_t k_format = 1;

DType parse_dtype(const JsonFields& fields, const std::string& name) {
  for (const DType dtype : {DType::k_f32, DType::k_f16, DType::k_bf16}) {
    if (name == name_of(dtype)) return dtype;
  }
  throw fields.wrong("the dtype " + name + " is not known");
}

void read_files(ModelManifest& manifest, const JsonFields& fields, const Json& json) {
  for (const auto& [name, sha256] : json.items()) {
    if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") {
      throw fields.wrong("files: \"" + name + "\" is not a plain file name");
    }
    if (!sha256.is_string() || sha256.get<std::string>().size() != 64) {
      throw fields.wrong("files: " + name + ": is not a sha256");
    }
    manifest.files[name] = sha256.get<std::string>();
  }
  for (const std::string& name :
       {std::string(k_graph_file), std::string(k_weights_file), manifest.tokenizer.file}) {
    if (!manifest.files.contains(name)) throw fields.wrong("files: " + name + " is missing");
  }
}

void read_tensors(ModelManifest& manifest, const Json& json, const std::string& where) {
  for (const auto& [name, value] : json.items()) {
    JsonFields fields(value, where + ": tensors: " + name);
    ModelManifest::Tensor tensor;
    tensor.dtype = parse_dtype(fields, fields.text("dtype"));
    for (const auto& extent : fields.array("shape")) {
      if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > (1U << 30U)) {
        throw fields.wrong("the shape is not made of sizes");
      }
      tensor.shape.push_back(extent.get<std::int64_t>());
    }
    fields.finish();
    manifest.tensors[name] = std::move(tensor);
  }
}

// JinaBERT's checkpoints call themselves "bert". What tells the two apart is the table of
// positions, which JinaBERT has not (it has ALiBi): the name must agree with it.
void check_architecture(const ModelManifest& manifest, const JsonFields& fields) {
  const auto table = std::find_if(
      manifest.tensors.begin(), manifest.tensors.end(),
      [](const auto& tensor) { return tensor.first.ends_with("position_embeddings.weight"); });
  const bool has_table = table != manifest.tensors.end();
  if (has_table && manifest.architecture == "jina-bert") {
    throw fields.wrong("the architecture jina-bert has no tensor " + table->first);
  }
  if (!has_table && manifest.architecture != "jina-bert") {
    throw fields.wrong("the architecture " + manifest.architecture +
                       " has a tensor position_embeddings.weight, and these have none");
  }
}

void read_self_tests(ModelManifest& manifest, const Json& json, const std::string& where) {
  for (const auto& value : json) {
    JsonFields fields(value, where + ": self_test");
    ModelManifest::SelfTest test{.text = fields.text("text"), .vector = {}};
    for (const auto& number : fields.array("vector")) {
      if (!number.is_number() || !std::isfinite(number.get<float>())) {
        throw fields.wrong("a vector holds what is no number");
      }
      test.vector.push_back(number.get<float>());
    }
    if (test.vector.size() != manifest.dimension)
      throw fields.wrong("a vector has another dimension");
    fields.finish();
    manifest.self_tests.push_back(std::move(test));
  }
}

}  // namespace

ModelManifest read_manifest(const std::filesystem::path& folder) {
  const auto path = folder / "model.json";
  const std::string where = path.string();
  const Json json = parse_json(read_file(path, k_max_manifest_bytes), where, ErrorKind::k_model);
  JsonFields fields(json, where);
  fields.count("format", k_format, k_format);
  ModelManifest manifest;
  manifest.name = fields.text("name");
  manifest.architecture = fields.choice("architecture", {"bert", "jina-bert", "xlm-roberta"});
  manifest.dimension = fields.count("dimension", 1, 1U << 16U);
  manifest.window = fields.count("window", 3, 1U << 20U);
  manifest.vocabulary_size = fields.count("vocabulary_size", 1, 1U << 24U);
  manifest.pooling = fields.choice("pooling", {"mean", "cls"});
  manifest.normalize = fields.flag("normalize");
  manifest.query_prefix = fields.text("query_prefix");
  manifest.passage_prefix = fields.text("passage_prefix");
  manifest.licence = fields.text("licence");
  manifest.tokenizer = tokenizer_settings_of(fields.object("tokenizer"), where + ": tokenizer");
  read_files(manifest, fields, fields.object("files"));
  read_tensors(manifest, fields.object("tensors"), where);
  check_architecture(manifest, fields);
  for (const auto& name : fields.array("ignored_tensors")) {
    if (!name.is_string()) throw fields.wrong("ignored_tensors holds what is no name");
    manifest.ignored_tensors.push_back(name.get<std::string>());
  }
  read_self_tests(manifest, fields.array("self_test"), where);
  fields.finish();
  return manifest;
}

std::string fingerprint_of(const ModelManifest& manifest) {
  Json identity = {
      {"architecture", manifest.architecture},
      {"dimension", manifest.dimension},
      {"window", manifest.window},
      {"pooling", manifest.pooling},
      {"normalize", manifest.normalize},
      {"query_prefix", manifest.query_prefix},
      {"passage_prefix", manifest.passage_prefix},
      {"weights", manifest.files.at(k_weights_file)},
      {"vocabulary", manifest.files.at(manifest.tokenizer.file)},
  };
  identity.update(identity_of(manifest.tokenizer));
  return sha256_hex(dump_json(identity));
}

}  // namespace vecdb
