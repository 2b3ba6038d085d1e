#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/encoder/safetensors.h"

namespace vecdb::native {

// A checkpoint's tensors by name, read as floats from where they lie in the mapped file, whatever
// their alignment and dtype: F32, F16 or BF16. Throws k_model for another one.
class Tensors {
 public:
  explicit Tensors(const std::vector<std::pair<std::string, TensorView>>& tensors);

  // So many numbers of row `row`, from the first; a vector is one row.
  void read(const std::string& name, std::size_t row, std::size_t count, float* out) const;

 private:
  std::map<std::string, TensorView> m_tensors;
};

}  // namespace vecdb::native
