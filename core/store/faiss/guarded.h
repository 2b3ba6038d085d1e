#pragma once

#include <faiss/impl/FaissException.h>

#include "store/faiss_module.h"

namespace vecdb {

// What `function` returns; a FaissFailure in place of FAISS's own exception.
template <typename Function>
auto guarded(Function function) {
  try {
    return function();
  } catch (const faiss::FaissException& error) {
    throw FaissFailure(error.what());
  }
}

}  // namespace vecdb
