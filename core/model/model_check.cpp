#include "model/model_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "model/embedder.h"
#include "model/encoder/weights.h"

namespace vecdb {

namespace {

constexpr double k_least_cosine_f32 = 0.99999;
constexpr double k_least_cosine_bf16 = 0.999;
constexpr double k_least_cosine_int8 = 0.9;  // some models lose more by 8 bits than others

// Of vectors of any length: a model need not make unit vectors.
double cosine(std::span<const float> a, std::span<const float> b) {
  double product = 0;
  double a_squared = 0;
  double b_squared = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    a_squared += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    b_squared += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return product / std::sqrt(a_squared * b_squared);
}

// All but the weights, which Weights has proved.
void check_files(const Model& model) {
  for (const auto& [name, sha256] : model.manifest().files) {
    if (name == k_weights_file) continue;
    const auto path = model.folder() / name;
    if (sha256_hex(MappedFile(path).bytes()) != sha256) throw not_as_recorded(path);
  }
}

double worst_cosine(Embedder& embedder, double least) {
  double worst = 1;
  const auto& tests = embedder.model().manifest().self_tests;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const auto& test = tests[i];
    const std::array<std::string_view, 1> texts{test.text};
    const auto embedded =
        embedder.embed(texts, {.prefix = "", .task = test.task}, VectorLength::k_model);
    if (!embedded) throw Error(ErrorKind::k_model, "the self-test: was interrupted; run it again");
    const double found = cosine(embedded->vectors, test.vector);
    if (!(found >= least)) {  // also when it is no number
      throw Error(ErrorKind::k_model, embedder.model().folder().string() + ": self-test text " +
                                          std::to_string(i) + ": the vector has a cosine of only " +
                                          std::to_string(found) +
                                          " to the one made by PyTorch; add the model again");
    }
    worst = std::min(worst, found);
  }
  return worst;
}

}  // namespace

ModelCheck check_model(const Model& model) {
  ModelCheck check;
  const Weights weights(model.folder() / k_weights_file, model.manifest(), HashCheck::k_full);
  check.tensors = weights.tensors().size();
  check_files(model);
  check.self_tests = model.manifest().self_tests.size();
  if (check.self_tests == 0) return check;
  for (const Engine engine : engines_for(model.manifest().encoder)) {
    const auto worst_with = [&](Precision precision, double least) {
      Embedder embedder(Model(model.folder()), precision, 1, std::nullopt, engine);
      return worst_cosine(embedder, least);
    };
    check.worst_cosine_f32 =
        std::min(check.worst_cosine_f32, worst_with(Precision::k_f32, k_least_cosine_f32));
    check.worst_cosine_bf16 =
        std::min(check.worst_cosine_bf16, worst_with(Precision::k_bf16, k_least_cosine_bf16));
    if (engine == Engine::k_native) {
      check.worst_cosine_int8 = worst_with(Precision::k_int8, k_least_cosine_int8);
    }
  }
  return check;
}

}  // namespace vecdb
