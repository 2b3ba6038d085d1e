#pragma once

#include <optional>
#include <string>

namespace vecdb {

// The highest level of instruction sets that the native engine was compiled for and this processor
// and its kernel have: "avx2" (with FMA and F16C), "avx512" (F, BW, DQ, VL), "avx512vnni",
// "avx512bf16" or "amx" (with its bfloat16 products), each with those before it. Nothing below AVX2. VECDB_MAX_ISA may name a level
// that is not to be exceeded; throws k_usage when it names none. For "amx" it also asks the kernel
// to let this process use the tile registers.
std::optional<std::string> native_level();

}  // namespace vecdb
