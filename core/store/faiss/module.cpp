#include <faiss/Index.h>
#include <faiss/utils/distances.h>
#include <faiss/utils/utils.h>

#include <algorithm>
#include <optional>

#include "store/faiss/guarded.h"
#include "store/faiss/ivf.h"
#include "store/faiss/selector.h"
#include "store/faiss_module.h"

namespace vecdb {

namespace {

// What is left of a block by a selection of a range.
RowRange common_rows(RowRange block, const RowSelection& selection) {
  const auto* range = std::get_if<RowRange>(&selection.rows);
  if (range == nullptr) return block;
  return {std::max(block.first, range->first), std::min(block.end, range->end)};
}

// The `wanted` best rows of a block, of those that `selector` (nullptr: every one) lets through, which
// counts from `first` on.
FoundRows nearest(std::span<const float> query, const std::byte* vectors, std::int64_t first,
                  std::int64_t count, std::size_t wanted, const faiss::IDSelector* selector) {
  std::vector<float> scores(wanted);
  std::vector<std::int64_t> rows(wanted, -1);
  // Only handed on: FAISS loads floats with instructions that do not mind where they lie.
  const auto* floats = reinterpret_cast<const float*>(vectors) +
                       static_cast<std::size_t>(first) * query.size();
  faiss::knn_inner_product(query.data(), floats, query.size(), 1, static_cast<std::size_t>(count),
                           wanted, scores.data(), rows.data(), selector);
  FoundRows found;
  for (std::size_t i = 0; i < wanted; ++i) {
    if (rows[i] >= 0) found.push_back({.row = first + rows[i], .score = scores[i]});
  }
  return found;
}

class FaissLibrary final : public Faiss {
 public:
  std::string version() const override {
    const std::string options = faiss::get_compile_options();  // "OPTIMIZE AVX2"
    return std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
           std::to_string(FAISS_VERSION_PATCH) + " (" + options.substr(options.rfind(' ') + 1) +
           ")";
  }

  FoundRows search(std::span<const float> query, const std::byte* vectors, RowRange block,
                   const RowSelection& selection, std::size_t wanted) const override {
    if (const auto* each = std::get_if<RowSelection::Each>(&selection.rows)) {
      const auto first = std::ranges::lower_bound(*each, block.first);
      const std::span<const RowNumber> rows(first, std::ranges::lower_bound(*each, block.end));
      wanted = std::min(wanted, rows.size());
      if (wanted == 0) return {};
      const faiss::IDSelectorArray selector(rows.size(), rows.data());
      return guarded([&] { return nearest(query, vectors, 0, block.end, wanted, &selector); });
    }
    const RowRange rows = common_rows(block, selection);
    const std::int64_t count = std::max<std::int64_t>(0, rows.end - rows.first);
    wanted = std::min(wanted, static_cast<std::size_t>(count));
    if (wanted == 0) return {};
    std::optional<AllBut> selector;
    if (const auto* left_out = std::get_if<RowSelection::AllBut>(&selection.rows)) {
      selector.emplace(*left_out, rows.first);
    }
    return guarded([&] {
      return nearest(query, vectors, rows.first, count, wanted, selector ? &*selector : nullptr);
    });
  }

  std::unique_ptr<FaissIvf> open_ivf(std::span<const std::byte> file) const override {
    return guarded([&] { return open_faiss_ivf(file); });
  }

  std::unique_ptr<FaissIvf> make_ivf(const IvfPlan& plan, const std::byte* vectors,
                                     std::int64_t count, bool (*is_interrupted)()) const override {
    return guarded([&] { return make_faiss_ivf(plan, vectors, count, is_interrupted); });
  }
};

}  // namespace

}  // namespace vecdb

// Found by name after dlopen (see faiss_module.cpp).
extern "C" __attribute__((visibility("default"))) const vecdb::Faiss* vecdb_get_faiss() {
  static const vecdb::FaissLibrary library;
  return &library;
}
