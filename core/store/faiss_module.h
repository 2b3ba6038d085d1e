#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/row_selection.h"
#include "store/store.h"

// What vecdb asks of FAISS. It lies in a module that is opened at first need (base/module.h), because
// loading FAISS and OpenMP takes longer than all else that `list` or a question to a server does.
namespace vecdb {

// What FAISS says when it cannot do something, or was interrupted.
struct FaissFailure : std::runtime_error {
  using runtime_error::runtime_error;
};

// What a search finds, best first; fewer than were wanted where there are no more.
struct FoundRow {
  std::int64_t row = 0;
  float score = 0;  // the inner product
};
using FoundRows = std::vector<FoundRow>;

// An inverted file in memory: IndexIVFFlat or IndexIVFScalarQuantizer by inner product, whose ids are
// row numbers.
class FaissIvf {
 public:
  virtual ~FaissIvf() = default;
  virtual bool holds_each_row_once() const = 0;
  // Looks into the `lists` nearest lists. Scores are those of the codes.
  virtual FoundRows search(std::span<const float> query, std::size_t lists,
                           const RowSelection& selection, std::size_t wanted) const = 0;
  // What faiss::write_index writes, in pieces.
  virtual void write(const std::function<void(std::span<const std::byte>)>& visit) const = 0;
};

struct IvfPlan {
  std::size_t dimension = 0;
  std::size_t lists = 0;
  VectorCodes codes = VectorCodes::k_sq8;
  int iterations = 0;  // of k-means
  int samples = 0;     // vectors a list that it looks at
};

// Vectors are rows of floats that need not be aligned. Everything may throw FaissFailure.
class Faiss {
 public:
  virtual ~Faiss() = default;
  virtual std::string version() const = 0;
  // Compares the query with those rows of a block that are selected, on this thread.
  virtual FoundRows search(std::span<const float> query, const std::byte* vectors, RowRange block,
                           const RowSelection& selection, std::size_t wanted) const = 0;
  // Of a file of the shape that has_ivf_shape() found; its lists are searched where they lie.
  virtual std::unique_ptr<FaissIvf> open_ivf(std::span<const std::byte> file) const = 0;
  // Sorts `count` vectors into lists, by as many threads as there are processors. `is_interrupted` is
  // asked now and then.
  virtual std::unique_ptr<FaissIvf> make_ivf(const IvfPlan& plan, const std::byte* vectors,
                                             std::int64_t count,
                                             bool (*is_interrupted)()) const = 0;
};

// Opens the module at the first call; throws k_io when it is not there.
const Faiss& faiss_module();

}  // namespace vecdb
