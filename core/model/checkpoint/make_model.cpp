#include "model/checkpoint/make_model.h"

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "model/checkpoint/checkpoint_config.h"
#include "model/checkpoint/checkpoint_pipeline.h"
#include "model/checkpoint/checkpoint_tokenizer.h"
#include "model/checkpoint/known_checkpoints.h"
#include "model/encoder/weights.h"
#include "model/model_manifest.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

using Tensors = std::map<std::string, TensorView>;

MappedFile map_weights(const fs::path& checkout) {
  try {
    return MappedFile(checkout / k_weights_file);
  } catch (const Error& error) {
    throw Error(ErrorKind::k_model, error.what());
  }
}

// The tensors that the architecture has, in the dtypes that the file has them in.
void expect_tensors(ModelManifest& manifest, const Tensors& found, const std::string& where) {
  for (auto& [name, shape] : tensors_of(manifest.encoder)) {
    const std::string full_name = manifest.tensor_prefix + name;
    const auto tensor = found.find(full_name);
    const DType dtype = tensor == found.end() ? DType::k_f32 : tensor->second.dtype;
    if (dtype != DType::k_f32 && dtype != DType::k_f16 && dtype != DType::k_bf16) {
      throw Error(ErrorKind::k_model, where + ": " + full_name + ": the dtype " + name_of(dtype) +
                                          " is not for weights");
    }
    manifest.tensors[full_name] = {dtype, shape};
  }
  const Architecture& architecture = *find_architecture(manifest.encoder.architecture);
  const auto ignore = [&](const std::string& name) {
    if (found.contains(name)) manifest.ignored_tensors.push_back(name);
  };
  for (const auto name : architecture.ignored) ignore(manifest.tensor_prefix + std::string(name));
  for (const auto name : architecture.ignored_heads) ignore(std::string(name));
}

void place_weights(const fs::path& from, const fs::path& to, bool link) {
  if (link) {
    std::error_code error;
    fs::create_hard_link(from, to, error);
    if (!error) return;
  }
  copy_durably(from, to);
}

void write_graph(const ModelManifest& manifest, const fs::path& path) {
  AtomicFile file(path);
  file.write(graph_of(*find_architecture(manifest.encoder.architecture)));
  file.commit();
}

}  // namespace

void make_model(const fs::path& checkout, const fs::path& out, const MakeModelOptions& options) {
  const MappedFile weights = map_weights(checkout);
  const std::string where = (checkout / k_weights_file).string();
  const Tensors tensors = parse_safetensors(weights.bytes(), where);
  auto [shape, prefix] = read_checkpoint_encoder(checkout, tensors);
  ModelManifest manifest;
  manifest.name = options.name;
  manifest.source = options.source;
  manifest.encoder = std::move(shape);
  manifest.tensor_prefix = std::move(prefix);
  expect_tensors(manifest, tensors, where);
  require_tensors(tensors, manifest, where,
                  "it is not the " + manifest.encoder.architecture + " that config.json describes");
  auto pipeline = read_checkpoint_pipeline(checkout, manifest.encoder);
  manifest.pooling = std::move(pipeline.pooling);
  manifest.normalize = pipeline.normalize;
  manifest.window = pipeline.window;
  manifest.dimensions = std::move(pipeline.dimensions);
  auto prompts =
      read_checkpoint_prompts(checkout, manifest.encoder, options.name, options.prefixes);
  manifest.query = std::move(prompts.query);
  manifest.passage = std::move(prompts.passage);
  manifest.tasks = std::move(prompts.tasks);
  manifest.licence = read_checkpoint_licence(checkout);

  manifest.tokenizer = read_checkpoint_tokenizer(checkout, out).settings;
  write_graph(manifest, out / k_graph_file);
  place_weights(checkout / k_weights_file, out / k_weights_file, options.link_weights);
  for (const std::string& file :
       {std::string(k_graph_file), std::string(k_weights_file), manifest.tokenizer.file}) {
    manifest.files[file] = sha256_hex(MappedFile(out / file).bytes());
  }
  manifest.self_tests = known_self_tests(fingerprint_of(manifest), manifest.encoder);
  write_manifest(manifest, out);
}

}  // namespace vecdb
