#include "model/encoder/weights.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/sha256.h"
#include "base/verified_file.h"

namespace vecdb {

namespace {

constexpr std::size_t k_named_tensors = 3;
constexpr const char* k_remedy = "add the model again";

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const auto extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

// What differs between the recorded tensors and those of the file.
struct Differences {
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::vector<std::string> changed;  // with what they have become
};

Differences tensor_differences(const ModelManifest& manifest,
                               const std::map<std::string, TensorView>& found) {
  Differences differences;
  for (const auto& [name, wanted] : manifest.tensors) {
    const auto tensor = found.find(name);
    if (tensor == found.end()) {
      differences.missing.push_back(name);
    } else if (tensor->second.shape != wanted.shape) {
      differences.changed.push_back(name + " has the shape " + shape_text(tensor->second.shape) +
                                    ", not " + shape_text(wanted.shape));
    } else if (tensor->second.dtype != wanted.dtype) {
      differences.changed.push_back(name + " has the dtype " + name_of(tensor->second.dtype) +
                                    ", not " + name_of(wanted.dtype));
    }
  }
  const std::set<std::string> ignored(manifest.ignored_tensors.begin(),
                                      manifest.ignored_tensors.end());
  for (const auto& [name, tensor] : found) {
    if (!manifest.tensors.contains(name) && !ignored.contains(name)) {
      differences.extra.push_back(name);
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

// "3 tensors are missing (a, b, c, …)"; nothing for none.
std::string listed(const std::vector<std::string>& tensors, const std::string& what) {
  if (tensors.empty()) return "";
  std::string text = std::to_string(tensors.size()) +
                     (tensors.size() == 1 ? " tensor is " : " tensors are ") + what + " (";
  for (std::size_t i = 0; i < std::min(tensors.size(), k_named_tensors); ++i) {
    text += (i > 0 ? ", " : "") + tensors[i];
  }
  return text + (tensors.size() > k_named_tensors ? ", …)" : ")");
}

}  // namespace

Error not_as_recorded(const std::filesystem::path& file) {
  return {ErrorKind::k_model, file.string() +
                                  ": is not the file that model.json records (another sha256); add "
                                  "the model again"};
}

void require_tensors(const std::map<std::string, TensorView>& found, const ModelManifest& manifest,
                     const std::string& where, const std::string& verdict) {
  const Differences differences = tensor_differences(manifest, found);
  std::string message;
  for (const auto& part : {listed(differences.missing, "missing"),
                           listed(differences.extra, "not part of the architecture"),
                           listed(differences.changed, "wrong")}) {
    if (!part.empty()) message += (message.empty() ? "" : ", ") + part;
  }
  if (!message.empty()) throw Error(ErrorKind::k_model, where + ": " + message + "; " + verdict);
}

Weights::Weights(const std::filesystem::path& file, const ModelManifest& manifest, HashCheck check)
    : m_file(file) {
  const std::string where = file.string();
  auto found = parse_safetensors(m_file.bytes(), where);
  // Before the hash, because a tensor's name says more than "another sha256".
  require_tensors(found, manifest, where, k_remedy);
  const std::string& sha256 = manifest.files.at(k_weights_file);
  const bool cached = check == HashCheck::k_cached && has_sha256(m_file, sha256);
  if (!cached) {
    const auto bad = listed(non_finite_tensors(manifest, found), "wrong");
    if (!bad.empty()) throw Error(ErrorKind::k_model, where + ": " + bad + "; " + k_remedy);
    if (sha256_hex(m_file.bytes()) != sha256) throw not_as_recorded(file);
  }
  for (const auto& [name, tensor] : manifest.tensors) {
    m_tensors.emplace_back(name, std::move(found.at(name)));
  }
}

}  // namespace vecdb
