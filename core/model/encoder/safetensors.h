#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace vecdb {

enum class DType { k_f64, k_f32, k_f16, k_bf16, k_i64, k_i32, k_i16, k_i8, k_u8, k_bool };

const char* name_of(DType dtype);  // as in the file: "F32"
std::size_t size_of(DType dtype);  // bytes an element

// One tensor inside a mapped file.
struct TensorView {
  DType dtype = DType::k_f32;
  std::vector<std::int64_t> shape;   // row-major
  std::span<const std::byte> bytes;  // exactly elements × size_of(dtype); alignment not guaranteed
};

// Reads a safetensors file (8 bytes little-endian header length, JSON header, data):
// https://github.com/huggingface/safetensors#format. The views point into `file`.
//
// Throws k_model, naming `name` and the tensor, unless: the header is at most min(100 MB, file − 8)
// bytes of strict JSON; every dtype is known; shapes are non-negative and size = shape × dtype
// without overflow (a size of 0 is legal); the data ranges, sorted, are contiguous from 0 to the
// end of the file.
std::map<std::string, TensorView> parse_safetensors(std::span<const std::byte> file,
                                                    const std::string& name);

// Index of the first element that is NaN or infinite, or -1. Integers and booleans always are
// finite.
std::int64_t find_non_finite(const TensorView& tensor);

}  // namespace vecdb
