#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "store/store.h"

namespace vecdb {

// What the file of an index must be made of.
struct IvfShape {
  std::int64_t dimension = 0;
  std::int64_t count = 0;  // of vectors
  std::int64_t lists = 0;
  VectorCodes codes = VectorCodes::k_sq8;
};

// Whether every field that FAISS reads before the lists has the one value, and every array the one
// length, that docs/FORMAT.md says, and the lists fill the rest. FAISS itself takes any kind of
// index and allocates what a length field asks for, up to terabytes, and what it has allocated is
// lost when it then refuses the file. Floats, codes and row numbers are not looked at.
bool has_ivf_shape(std::span<const std::byte> bytes, const IvfShape& shape);

}  // namespace vecdb
