#include "model/model_manifest.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "model/encoder/encoder_shape_json.h"
#include "model/json_fields.h"
#include "model/self_test_json.h"
#include "model/task_name.h"
#include "model/tokenizer/tokenizer_settings_json.h"

namespace vecdb {

namespace {

constexpr std::uint64_t k_max_manifest_bytes = 16U << 20U;
constexpr std::uint64_t k_format = 2;

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

// The recorded tensors must be those of the architecture, name by name: a file that was edited
// cannot make vecdb take other weights for an encoder's.
void check_tensors(const ModelManifest& manifest, const JsonFields& fields) {
  const auto wanted = tensors_of(manifest.encoder);
  for (const auto& [name, shape] : wanted) {
    const auto found = manifest.tensors.find(manifest.tensor_prefix + name);
    if (found == manifest.tensors.end() || found->second.shape != shape) {
      throw fields.wrong("tensors: " + manifest.tensor_prefix + name +
                         " is not as in the architecture " + manifest.encoder.architecture);
    }
  }
  if (manifest.tensors.size() != wanted.size()) {
    throw fields.wrong("tensors: there are more than the architecture " +
                       manifest.encoder.architecture + " has");
  }
}

Json json_of(const Prompt& prompt, const EncoderShape& encoder) {
  return {{"prefix", prompt.prefix}, {"task", task_name(prompt.task, encoder)}};
}

Prompt prompt_of(const Json& json, const EncoderShape& encoder, const std::string& where) {
  JsonFields fields(json, where);
  Prompt prompt{.prefix = fields.text("prefix"), .task = task_of(fields, encoder)};
  fields.finish();
  return prompt;
}

void read_prompts(ModelManifest& manifest, JsonFields& fields, const std::string& where) {
  manifest.query = prompt_of(fields.object("query"), manifest.encoder, where + ": query");
  manifest.passage = prompt_of(fields.object("passage"), manifest.encoder, where + ": passage");
  for (const auto& [name, value] : fields.object("tasks").items()) {
    manifest.tasks[name] = prompt_of(value, manifest.encoder, where + ": tasks: " + name);
  }
}

Json prompts_json(const ModelManifest& manifest) {
  Json tasks = Json::object();
  for (const auto& [name, prompt] : manifest.tasks) tasks[name] = json_of(prompt, manifest.encoder);
  return {{"query", json_of(manifest.query, manifest.encoder)},
          {"passage", json_of(manifest.passage, manifest.encoder)},
          {"tasks", tasks}};
}

void read_dimensions(ModelManifest& manifest, JsonFields& fields) {
  std::size_t last = 0;
  for (const auto& value : fields.array("dimensions")) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() <= last ||
        value.get<std::uint64_t>() > manifest.dimension()) {
      throw fields.wrong("dimensions are not ascending, or larger than a vector");
    }
    last = value.get<std::size_t>();
    manifest.dimensions.push_back(last);
  }
}

}  // namespace

ModelManifest read_manifest(const std::filesystem::path& folder) {
  const auto path = folder / k_manifest_file;
  const std::string where = path.string();
  const Json json = parse_json(read_file(path, k_max_manifest_bytes), where, ErrorKind::k_model);
  JsonFields fields(json, where);
  fields.count("format", k_format, k_format);
  ModelManifest manifest;
  manifest.name = fields.text("name");
  manifest.source = fields.text("source");
  manifest.encoder = encoder_shape_of(fields.object("encoder"), where + ": encoder");
  manifest.window = fields.count("window", 3, longest_text(manifest.encoder));
  manifest.pooling = fields.choice("pooling", {"mean", "cls"});
  manifest.normalize = fields.flag("normalize");
  read_dimensions(manifest, fields);
  read_prompts(manifest, fields, where);
  manifest.licence = fields.text("licence");
  manifest.tokenizer = tokenizer_settings_of(fields.object("tokenizer"), where + ": tokenizer");
  read_files(manifest, fields, fields.object("files"));
  manifest.tensor_prefix = fields.text("tensor_prefix");
  read_tensors(manifest, fields.object("tensors"), where);
  check_tensors(manifest, fields);
  for (const auto& name : fields.array("ignored_tensors")) {
    if (!name.is_string()) throw fields.wrong("ignored_tensors holds what is no name");
    manifest.ignored_tensors.push_back(name.get<std::string>());
  }
  manifest.self_tests =
      self_tests_of(fields.array("self_test"), manifest.encoder, where + ": self_test");
  fields.finish();
  return manifest;
}

void write_manifest(const ModelManifest& manifest, const std::filesystem::path& folder) {
  Json tensors = Json::object();
  for (const auto& [name, tensor] : manifest.tensors) {
    tensors[name] = {{"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}};
  }
  Json json = {{"format", k_format},
               {"name", manifest.name},
               {"source", manifest.source},
               {"encoder", json_of(manifest.encoder)},
               {"window", manifest.window},
               {"pooling", manifest.pooling},
               {"normalize", manifest.normalize},
               {"dimensions", manifest.dimensions}};
  json.update(prompts_json(manifest));
  json.update({{"licence", manifest.licence},
               {"tokenizer", json_of(manifest.tokenizer)},
               {"files", manifest.files},
               {"tensor_prefix", manifest.tensor_prefix},
               {"tensors", tensors},
               {"ignored_tensors", manifest.ignored_tensors},
               {"self_test", json_of(manifest.self_tests, manifest.encoder)}});
  AtomicFile file(folder / k_manifest_file);
  file.write(json.dump(1) + "\n");
  file.commit();
}

std::string fingerprint_of(const ModelManifest& manifest) {
  Json identity = {
      {"encoder", json_of(manifest.encoder)},
      {"window", manifest.window},
      {"pooling", manifest.pooling},
      {"normalize", manifest.normalize},
      {"weights", manifest.files.at(k_weights_file)},
      {"vocabulary", manifest.files.at(manifest.tokenizer.file)},
  };
  identity.update(prompts_json(manifest));
  identity.update(identity_of(manifest.tokenizer));
  return sha256_hex(dump_json(identity));
}

}  // namespace vecdb
