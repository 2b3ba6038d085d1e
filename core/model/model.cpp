#include "model/model.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/program.h"
#include "base/sha256.h"
#include "base/verified_file.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t k_max_small_file = 256U << 20U;
constexpr std::size_t k_named_tensors = 3;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const auto extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

// What differs between the recorded tensors and those of the file, one phrase a tensor.
std::vector<std::string> tensor_differences(const ModelManifest& manifest,
                                            const std::map<std::string, TensorView>& found) {
  std::vector<std::string> differences;
  for (const auto& [name, wanted] : manifest.tensors) {
    const auto tensor = found.find(name);
    if (tensor == found.end()) {
      differences.push_back(name + " is missing");
    } else if (tensor->second.shape != wanted.shape) {
      differences.push_back(name + " has the shape " + shape_text(tensor->second.shape) + ", not " +
                            shape_text(wanted.shape));
    } else if (tensor->second.dtype != wanted.dtype) {
      differences.push_back(name + " has the dtype " + name_of(tensor->second.dtype) + ", not " +
                            name_of(wanted.dtype));
    }
  }
  const std::set<std::string> ignored(manifest.ignored_tensors.begin(),
                                      manifest.ignored_tensors.end());
  for (const auto& [name, tensor] : found) {
    if (!manifest.tensors.contains(name) && !ignored.contains(name)) {
      differences.push_back(name + " is not part of the architecture");
    }
  }
  return differences;
}

std::vector<std::string> non_finite_tensors(const ModelManifest& manifest,
                                            const std::map<std::string, TensorView>& found) {
  std::vector<std::string> bad;
  for (const auto& [name, tensor] : found) {
    if (!manifest.tensors.contains(name)) continue;
    const auto index = find_non_finite(tensor);
    if (index >= 0) bad.push_back(name + " is not finite at element " + std::to_string(index));
  }
  return bad;
}

[[noreturn]] void refuse(const std::string& where, const std::vector<std::string>& differences) {
  std::string message = where + ": " + std::to_string(differences.size()) +
                        (differences.size() == 1 ? " tensor is wrong: " : " tensors are wrong: ");
  for (std::size_t i = 0; i < std::min(differences.size(), k_named_tensors); ++i) {
    message += (i > 0 ? ", " : "") + differences[i];
  }
  if (differences.size() > k_named_tensors) message += ", …";
  throw Error(ErrorKind::k_model, message + "; add the model again");
}

[[noreturn]] void refuse_content(const fs::path& path) {
  throw Error(ErrorKind::k_model, path.string() + ": is not the file that model.json records " +
                                      "(another sha256); add the model again");
}

// Small files are hashed at each use; encoder.pt above all, because loading it can run code.
std::string read_proven(const fs::path& folder, const ModelManifest& manifest,
                        const std::string& name) {
  std::string content = read_file(folder / name, k_max_small_file);
  if (sha256_hex(content) != manifest.files.at(name)) refuse_content(folder / name);
  return content;
}

std::unique_ptr<Tokenizer> make_tokenizer(const fs::path& folder, const ModelManifest& manifest) {
  const std::string content = read_proven(folder, manifest, manifest.tokenizer_file);
  const std::string name = (folder / manifest.tokenizer_file).string();
  switch (manifest.tokenizer_kind) {
    case TokenizerKind::k_wordpiece:
      break;
  }
  return make_wordpiece_tokenizer(content, name, manifest.wordpiece);
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

// The weights of a mapped file, proven.
class Weights {
 public:
  Weights(const fs::path& path, const ModelManifest& manifest) : m_file(path) {
    const std::string where = path.string();
    auto found = parse_safetensors(m_file.bytes(), where);
    // Before the hash, because a tensor's name says more than "another sha256".
    if (const auto wrong = tensor_differences(manifest, found); !wrong.empty()) {
      refuse(where, wrong);
    }
    if (!has_sha256(m_file, manifest.files.at(k_weights_file))) {
      if (const auto bad = non_finite_tensors(manifest, found); !bad.empty()) refuse(where, bad);
      refuse_content(path);
    }
    for (const auto& [name, tensor] : manifest.tensors) {
      m_tensors.emplace_back(name, std::move(found.at(name)));
    }
  }

  std::span<const std::pair<std::string, TensorView>> tensors() const { return m_tensors; }

 private:
  MappedFile m_file;
  std::vector<std::pair<std::string, TensorView>> m_tensors;
};

// Keeps the mapped weights alive as long as the encoder that uses them.
class OwningEncoder final : public Encoder {
 public:
  OwningEncoder(std::shared_ptr<const Weights> weights, std::shared_ptr<const Encoder> encoder)
      : m_weights(std::move(weights)), m_encoder(std::move(encoder)) {}
  std::vector<float> encode(const PackedTokens& batch) const override {
    return m_encoder->encode(batch);
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

Model::Model(fs::path folder) : m_impl(std::make_unique<Impl>()) {
  as_model_error([&] {
    m_impl->folder = std::move(folder);
    m_impl->manifest = read_manifest(m_impl->folder);
    const ModelManifest& manifest = m_impl->manifest;
    m_impl->fingerprint = fingerprint_of(manifest);
    m_impl->tokenizer = make_tokenizer(m_impl->folder, manifest);
    if (m_impl->tokenizer->vocabulary_size() > manifest.vocabulary_size) {
      throw Error(ErrorKind::k_model, (m_impl->folder / manifest.tokenizer_file).string() +
                                          ": holds more tokens than the encoder knows; add the "
                                          "model again");
    }
  });
}

Model::~Model() = default;
Model::Model(Model&&) noexcept = default;

const ModelManifest& Model::manifest() const noexcept { return m_impl->manifest; }
const std::string& Model::fingerprint() const noexcept { return m_impl->fingerprint; }
const Tokenizer& Model::tokenizer() const noexcept { return *m_impl->tokenizer; }

std::shared_ptr<const Encoder> Model::make_encoder(Precision precision) const {
  const ModelManifest& manifest = m_impl->manifest;
  const fs::path& folder = m_impl->folder;
  const auto weights = as_model_error(
      [&] { return std::make_shared<const Weights>(folder / k_weights_file, manifest); });
  const std::string graph =
      as_model_error([&] { return read_proven(folder, manifest, k_graph_file); });
  const EncoderParts parts{.graph = std::as_bytes(std::span(graph)),
                           .graph_name = (folder / k_graph_file).string(),
                           .weights = weights->tensors(),
                           .dimension = manifest.dimension,
                           .precision = precision};
  return std::make_shared<OwningEncoder>(weights, make_torch_encoder(parts));
}

std::vector<fs::path> model_folders() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  std::vector<fs::path> folders;
  if (const auto home = variable("VECDB_HOME"); !home.empty()) {
    folders.push_back(home / "models");
  } else if (const auto data = variable("XDG_DATA_HOME"); data.is_absolute()) {
    folders.push_back(data / "vecdb" / "models");
  } else if (const auto user = variable("HOME"); user.is_absolute()) {
    folders.push_back(user / ".local" / "share" / "vecdb" / "models");
  }
  folders.push_back(program_folder() / "models");
  folders.push_back((program_folder() / ".." / "share" / "vecdb" / "models").lexically_normal());
  return folders;
}

Model open_model(const std::string& name) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
    throw Error(ErrorKind::k_model,
                "--model " + name + ": is not a model's name; models are named, not given by path");
  }
  std::set<std::string> names;
  std::error_code ignored;  // a folder that is not there holds no models
  for (const auto& folder : model_folders()) {
    if (fs::exists(folder / name, ignored)) return Model(folder / name);
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      names.insert(entry.path().filename().string());
    }
  }
  std::string known;
  for (const auto& each : names) known += (known.empty() ? "" : ", ") + each;
  throw Error(ErrorKind::k_model, "--model " + name + ": is not installed; " +
                                      (known.empty() ? "no model is" : "installed: " + known));
}

}  // namespace vecdb
