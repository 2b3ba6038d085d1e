#pragma once

#include <cstddef>
#include <optional>

#include "model/model.h"

namespace vecdb {

// What check_model() saw.
struct ModelCheck {
  std::size_t tensors = 0;
  std::size_t self_tests = 0;   // 0: model.json has none, so only files and tensors were checked
  double worst_cosine_f32 = 1;  // of all engines
  double worst_cosine_bf16 = 1;
  std::optional<double> worst_cosine_int8;  // of the native engine, where it knows the model
};

// Reads every file of the model again and compares it with its recorded sha256, checks the weights
// tensor by tensor (exact set, all finite), and encodes the self-test's texts with every engine
// that can: their vectors must come out as PyTorch made them in f32, with a cosine of at least
// 0.99999 in f32, 0.999 in bf16 and 0.9 in int8. Throws k_model at the first thing that is wrong.
ModelCheck check_model(const Model& model);

}  // namespace vecdb
