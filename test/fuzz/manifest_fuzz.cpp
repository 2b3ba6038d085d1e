// Input: a model.json.
#include <algorithm>
#include <cmath>
#include <span>

#include "fuzz.h"
#include "model/model_manifest.h"
#include "temporary_folder.h"

using namespace vecdb;
using fuzz::require;

namespace {

void check(const ModelManifest& manifest) {
  require(manifest.dimension() >= 1 && manifest.window >= 3 && manifest.encoder.vocab_size >= 1,
          "a size is out of range");
  require(manifest.files.contains(k_graph_file) && manifest.files.contains(k_weights_file),
          "a file is not recorded");
  for (const auto& [name, sha256] : manifest.files) {
    require(name.find('/') == std::string::npos && name != "..", "a file leads out of the folder");
  }
  for (const auto& [name, tensor] : manifest.tensors) {
    require(std::ranges::all_of(tensor.shape, [](std::int64_t extent) { return extent >= 0; }),
            "an extent is negative");
  }
  for (const auto& test : manifest.self_tests) {
    require(test.vector.size() == manifest.dimension(), "a vector has another dimension");
    require(std::ranges::all_of(test.vector, [](float x) { return std::isfinite(x); }),
            "a vector is not finite");
  }
  require(fingerprint_of(manifest).size() == 64, "the fingerprint is no SHA-256");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::TemporaryFolder folder;
  folder.write("model.json", {reinterpret_cast<const char*>(data), size});
  const auto manifest =
      fuzz::unless_refused(ErrorKind::k_model, [&] { return read_manifest(folder.path()); });
  if (manifest) check(*manifest);
  return 0;
}
