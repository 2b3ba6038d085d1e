#include "model/model.h"

#include <span>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "model/encoder/weights.h"
#include "model/tokenizer/make_tokenizer.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t k_max_small_file = 256U << 20U;

// Small files are hashed at each use; encoder.pt above all, because loading it can run code.
std::string read_proven(const fs::path& folder, const ModelManifest& manifest,
                        const std::string& name) {
  std::string content = read_file(folder / name, k_max_small_file);
  if (sha256_hex(content) != manifest.files.at(name)) throw not_as_recorded(folder / name);
  return content;
}

// Opening a model file that is missing is the model's fault, not the disk's.
template <typename Function>
auto as_model_error(Function function) {
  try {
    return function();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::k_io) throw;
    throw Error(ErrorKind::k_model, std::string(error.what()) + "; add the model again");
  }
}

// Keeps the mapped weights alive as long as the encoder that uses them.
class OwningEncoder final : public Encoder {
 public:
  OwningEncoder(std::shared_ptr<const Weights> weights, std::shared_ptr<const Encoder> encoder)
      : m_weights(std::move(weights)), m_encoder(std::move(encoder)) {}
  std::vector<float> encode(const PackedTokens& batch, int task) const override {
    return m_encoder->encode(batch, task);
  }

 private:
  std::shared_ptr<const Weights> m_weights;  // destroyed after the encoder
  std::shared_ptr<const Encoder> m_encoder;
};

}  // namespace

struct Model::Impl {
  fs::path folder;
  ModelManifest manifest;
  std::string fingerprint;
  std::unique_ptr<Tokenizer> tokenizer;
};

Model::Model(fs::path folder) {
  auto impl = std::make_shared<Impl>();
  as_model_error([&] {
    impl->folder = std::move(folder);
    impl->manifest = read_manifest(impl->folder);
    const ModelManifest& manifest = impl->manifest;
    impl->fingerprint = fingerprint_of(manifest);
    const std::string& file = manifest.tokenizer.file;
    impl->tokenizer = make_tokenizer(manifest.tokenizer, read_proven(impl->folder, manifest, file),
                                     (impl->folder / file).string());
    if (impl->tokenizer->vocabulary_size() > manifest.encoder.vocab_size) {
      throw Error(ErrorKind::k_model, (impl->folder / manifest.tokenizer.file).string() +
                                          ": holds more tokens than the encoder knows; add the "
                                          "model again");
    }
    std::vector<const std::string*> prefixes = {&manifest.query.prefix, &manifest.passage.prefix};
    for (const auto& [name, prompt] : manifest.tasks) prefixes.push_back(&prompt.prefix);
    for (const std::string* prefix : prefixes) {
      if (impl->tokenizer->tokenize(*prefix, manifest.window).full_length < manifest.window)
        continue;
      throw Error(ErrorKind::k_model, (impl->folder / "model.json").string() + ": the prefix \"" +
                                          *prefix + "\" leaves no room for a text in a window of " +
                                          std::to_string(manifest.window) +
                                          " tokens; add the model again");
    }
  });
  m_impl = std::move(impl);
}

const fs::path& Model::folder() const noexcept { return m_impl->folder; }
const ModelManifest& Model::manifest() const noexcept { return m_impl->manifest; }
const std::string& Model::fingerprint() const noexcept { return m_impl->fingerprint; }
const Tokenizer& Model::tokenizer() const noexcept { return *m_impl->tokenizer; }

std::shared_ptr<const Encoder> Model::make_encoder(Precision precision, Engine engine) const {
  const ModelManifest& manifest = m_impl->manifest;
  const fs::path& folder = m_impl->folder;
  const auto weights = as_model_error([&] {
    return std::make_shared<const Weights>(folder / k_weights_file, manifest, HashCheck::k_cached);
  });
  const std::string graph =
      as_model_error([&] { return read_proven(folder, manifest, k_graph_file); });
  EncoderParts parts{.shape = manifest.encoder,
                     .graph = std::as_bytes(std::span(graph)),
                     .graph_name = (folder / k_graph_file).string(),
                     .weights = {},
                     .options = graph_options_of(manifest.encoder),
                     .dimension = manifest.dimension(),
                     .precision = precision};
  for (const auto& [name, tensor] : weights->tensors()) {
    parts.weights.emplace_back(name.substr(manifest.tensor_prefix.size()), tensor);
  }
  parts.options["pool_first"] = manifest.pooling == "cls" ? 1 : 0;
  parts.options["normalize"] = manifest.normalize ? 1 : 0;
  return std::make_shared<OwningEncoder>(weights, vecdb::make_encoder(parts, engine));
}

}  // namespace vecdb
