#include "model/weights.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/sha256.h"
#include "base/verified_file.h"

namespace vecdb {

namespace {

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

void refuse_any(const std::string& where, const std::vector<std::string>& differences) {
  if (differences.empty()) return;
  std::string message = where + ": " + std::to_string(differences.size()) +
                        (differences.size() == 1 ? " tensor is wrong: " : " tensors are wrong: ");
  for (std::size_t i = 0; i < std::min(differences.size(), k_named_tensors); ++i) {
    message += (i > 0 ? ", " : "") + differences[i];
  }
  if (differences.size() > k_named_tensors) message += ", …";
  throw Error(ErrorKind::k_model, message + "; add the model again");
}

}  // namespace

Error not_as_recorded(const std::filesystem::path& file) {
  return {ErrorKind::k_model, file.string() +
                                  ": is not the file that model.json records (another sha256); add "
                                  "the model again"};
}

Weights::Weights(const std::filesystem::path& file, const ModelManifest& manifest, HashCheck check)
    : m_file(file) {
  const std::string where = file.string();
  auto found = parse_safetensors(m_file.bytes(), where);
  // Before the hash, because a tensor's name says more than "another sha256".
  refuse_any(where, tensor_differences(manifest, found));
  const std::string& sha256 = manifest.files.at(k_weights_file);
  const bool cached = check == HashCheck::k_cached && has_sha256(m_file, sha256);
  if (!cached) {
    refuse_any(where, non_finite_tensors(manifest, found));
    if (sha256_hex(m_file.bytes()) != sha256) throw not_as_recorded(file);
  }
  for (const auto& [name, tensor] : manifest.tensors) {
    m_tensors.emplace_back(name, std::move(found.at(name)));
  }
}

}  // namespace vecdb
