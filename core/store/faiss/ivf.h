#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "store/faiss_module.h"

namespace vecdb {

// See Faiss in store/faiss_module.h.
std::unique_ptr<FaissIvf> open_faiss_ivf(std::span<const std::byte> file);
std::unique_ptr<FaissIvf> make_faiss_ivf(const IvfPlan& plan, const std::byte* vectors,
                                         std::int64_t count, bool (*is_interrupted)());

}  // namespace vecdb
