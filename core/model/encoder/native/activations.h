#pragma once

#include <cstddef>

#include "model/encoder/native/rows.h"

namespace vecdb::native {

// The left operand of products with weights.
template <typename Number>
class Activations : public Rows<typename Number::Stored> {
 public:
  using Rows<typename Number::Stored>::Rows;
};

}  // namespace vecdb::native
