#include "model/encoder/native/tensors.h"

#include <immintrin.h>

#include <bit>
#include <cstring>

#include "base/error.h"

namespace vecdb::native {

namespace {

template <typename Stored, typename Convert>
void convert(const std::byte* from, std::size_t count, float* out, Convert&& to_float) {
  for (std::size_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, from + i * sizeof(Stored), sizeof(Stored));
    out[i] = to_float(stored);
  }
}

}  // namespace

Tensors::Tensors(const std::vector<std::pair<std::string, TensorView>>& tensors)
    : m_tensors(tensors.begin(), tensors.end()) {
  for (const auto& [name, view] : m_tensors) {
    if (view.dtype == DType::k_f32 || view.dtype == DType::k_f16 || view.dtype == DType::k_bf16) {
      continue;
    }
    throw Error(ErrorKind::k_model,
                name + ": dtype " + name_of(view.dtype) + " is not for weights");
  }
}

void Tensors::read(const std::string& name, std::size_t row, std::size_t count, float* out) const {
  const TensorView& view = m_tensors.at(name);
  const auto columns = static_cast<std::size_t>(view.shape.back());
  const std::byte* from = view.bytes.data() + row * columns * size_of(view.dtype);
  switch (view.dtype) {
    case DType::k_f16:
      return convert<std::uint16_t>(from, count, out, [](std::uint16_t x) { return _cvtsh_ss(x); });
    case DType::k_bf16:
      return convert<std::uint16_t>(from, count, out, [](std::uint16_t x) {
        return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16U);
      });
    default:
      std::memcpy(out, from, count * sizeof(float));
  }
}

}  // namespace vecdb::native
