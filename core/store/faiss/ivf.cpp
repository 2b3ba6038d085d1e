#include "store/faiss/ivf.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <faiss/invlists/InvertedListsIOHook.h>

#include <algorithm>
#include <cstring>
#include <future>
#include <optional>
#include <thread>
#include <typeinfo>
#include <utility>

#include "base/worker_pool.h"
#include "store/faiss/guarded.h"
#include "store/faiss/selector.h"
#include "store/faiss/nearest_centroid.h"

// Of OpenMP's library, which FAISS uses. Its header is the compiler's own, and not every one has
// it.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int count);

namespace vecdb {

namespace {

constexpr std::int64_t k_block = 2048;     // vectors that a thread sorts at a time
constexpr std::int64_t k_added = 16'384;  // rows that are added at a time

// Lets FAISS ask whether to go on, for as long as it lives.
class Interruptible {
 public:
  explicit Interruptible(bool (*is_interrupted)()) {
    auto callback = std::make_unique<Callback>();
    callback->is_interrupted = is_interrupted;
    faiss::InterruptCallback::instance = std::move(callback);
  }
  ~Interruptible() { faiss::InterruptCallback::clear_instance(); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct Callback : faiss::InterruptCallback {
    bool want_interrupt() override { return is_interrupted(); }
    bool (*is_interrupted)() = nullptr;
  };
};

using ByteVisit = std::function<void(std::span<const std::byte>)>;

// Hands on what FAISS writes.
class BlockWriter : public faiss::IOWriter {
 public:
  explicit BlockWriter(const ByteVisit& visit) : m_visit(visit) {}

  std::size_t operator()(const void* data, std::size_t size, std::size_t count) override {
    m_visit(std::span(static_cast<const std::byte*>(data), size * count));
    return count;
  }

 private:
  const ByteVisit& m_visit;
};

class MemoryReader : public faiss::IOReader {
 public:
  explicit MemoryReader(std::span<const std::byte> bytes) : m_rest(bytes) {}

  std::size_t operator()(void* out, std::size_t size, std::size_t count) override {
    if (size == 0) return count;
    count = std::min(count, m_rest.size() / size);
    if (count > 0) std::memcpy(out, m_rest.data(), size * count);
    m_rest = m_rest.subspan(size * count);
    return count;
  }

  std::span<const std::byte> rest() const noexcept { return m_rest; }

 private:
  std::span<const std::byte> m_rest;
};

// The lists at the end of a mapped file: for each, the codes of its rows, then their numbers.
class MappedLists : public faiss::ReadOnlyInvertedLists {
 public:
  MappedLists(std::span<const std::byte> bytes, std::size_t lists, std::size_t code_bytes,
              const std::vector<std::size_t>& sizes)
      : ReadOnlyInvertedLists(lists, code_bytes), m_sizes(sizes) {
    for (const std::size_t size : sizes) {
      const bool fits = size <= bytes.size() / (code_bytes + sizeof(idx_t));
      if (!fits) throw faiss::FaissException("its lists are cut short");
      m_lists.push_back(bytes.data());
      bytes = bytes.subspan(size * (code_bytes + sizeof(idx_t)));
    }
    if (!bytes.empty()) throw faiss::FaissException("bytes follow its lists");
  }

  std::size_t list_size(std::size_t list) const override { return m_sizes[list]; }
  const std::uint8_t* get_codes(std::size_t list) const override {
    return reinterpret_cast<const std::uint8_t*>(m_lists[list]);
  }
  // Not aligned: FAISS loads numbers with instructions that do not mind.
  const idx_t* get_ids(std::size_t list) const override {
    return reinterpret_cast<const idx_t*>(m_lists[list] + m_sizes[list] * code_size);
  }

 private:
  std::vector<std::size_t> m_sizes;
  std::vector<const std::byte*> m_lists;
};

// How FAISS is told to leave the lists where they are.
class MappedListsHook : public faiss::InvertedListsIOHook {
 public:
  static constexpr int k_flags = faiss::IO_FLAG_SKIP_IVF_DATA | 'v' << 16 | 'd' << 24;

  MappedListsHook() : InvertedListsIOHook("ilvd", typeid(MappedLists).name()) {}

  void write(const faiss::InvertedLists*, faiss::IOWriter*) const override {
    throw faiss::FaissException("mapped lists are not written");
  }
  faiss::InvertedLists* read(faiss::IOReader*, int) const override {
    throw faiss::FaissException("there are no files of mapped lists");
  }
  faiss::InvertedLists* read_ArrayInvertedLists(
      faiss::IOReader* reader, int, std::size_t lists, std::size_t code_bytes,
      const std::vector<std::size_t>& sizes) const override {
    const auto& memory = dynamic_cast<const MemoryReader&>(*reader);
    return new MappedLists(memory.rest(), lists, code_bytes, sizes);
  }
};

void know_mapped_lists() {
  static const bool done = [] {
    faiss::InvertedListsIOHook::add_callback(new MappedListsHook);
    return true;
  }();
  static_cast<void>(done);
}

// OpenMP ends the process where a thread cannot be started, so it is told how many can be. They
// all live at once, as FAISS's will.
void limit_threads() {
  const auto wanted = static_cast<std::size_t>(std::max(omp_get_max_threads(), 1));
  std::promise<void> counted;
  std::vector<std::thread> threads =
      start_threads(wanted - 1, [done = counted.get_future().share()] { done.wait(); });
  counted.set_value();
  for (std::thread& thread : threads) thread.join();
  omp_set_num_threads(static_cast<int>(threads.size()) + 1);
}

// Centroids, whose nearest one FAISS asks for when it trains and when it adds.
class Centroids : public faiss::IndexFlatIP {
 public:
  using IndexFlatIP::IndexFlatIP;

  void search(idx_t count, const float* vectors, idx_t k, float* scores, idx_t* labels,
              const faiss::SearchParameters* parameters) const override {
    if (k != 1 || parameters != nullptr || ntotal == 0) {
      return IndexFlatIP::search(count, vectors, k, scores, labels, parameters);
    }
    const auto dimension = static_cast<std::size_t>(d);
    const NearestCentroid nearest({get_xb(), static_cast<std::size_t>(ntotal) * dimension},
                                  dimension);
    const auto* bytes = reinterpret_cast<const std::byte*>(vectors);  // may be unaligned
    const auto blocks = static_cast<std::size_t>((count + k_block - 1) / k_block);
    run_parallel(blocks, std::thread::hardware_concurrency(), [&](std::size_t i) {
      faiss::InterruptCallback::check();
      const std::size_t first = i * k_block;
      std::vector<NearestCentroid::Found> found(
          std::min<std::size_t>(k_block, static_cast<std::size_t>(count) - first));
      nearest.find(bytes + first * dimension * sizeof(float), found);
      for (std::size_t j = 0; j < found.size(); ++j) {
        scores[first + j] = found[j].score;
        labels[first + j] = found[j].centroid;
      }
    });
  }
};

std::unique_ptr<faiss::IndexIVF> empty_index(const IvfPlan& plan) {
  constexpr auto k_metric = faiss::METRIC_INNER_PRODUCT;
  auto quantizer = std::make_unique<Centroids>(static_cast<faiss::Index::idx_t>(plan.dimension));
  std::unique_ptr<faiss::IndexIVF> index;
  if (plan.codes == VectorCodes::k_f32) {
    index = std::make_unique<faiss::IndexIVFFlat>(quantizer.get(), plan.dimension, plan.lists,
                                                  k_metric);
  } else {
    const auto type = plan.codes == VectorCodes::k_f16 ? faiss::ScalarQuantizer::QT_fp16
                                                  : faiss::ScalarQuantizer::QT_8bit;
    index = std::make_unique<faiss::IndexIVFScalarQuantizer>(
        quantizer.get(), plan.dimension, plan.lists, type, k_metric);
  }
  quantizer.release();
  index->own_fields = true;
  index->cp.spherical = true;  // as vectors are of unit length
  index->cp.niter = plan.iterations;
  index->cp.min_points_per_centroid = 1;  // fewer would be told on stderr
  index->cp.max_points_per_centroid = plan.samples;
  return index;
}

// FAISS asks a selector for the rows of the lists it looks into.
std::unique_ptr<faiss::IDSelector> selector_of(const RowSelection& selection, RowNumber count) {
  if (const auto* range = std::get_if<RowRange>(&selection.rows)) {
    if (range->first == 0 && range->end == count) return nullptr;
    return std::make_unique<faiss::IDSelectorRange>(range->first, range->end);
  }
  if (const auto* each = std::get_if<RowSelection::Each>(&selection.rows)) {
    return std::make_unique<faiss::IDSelectorBatch>(each->size(), each->data());
  }
  return std::make_unique<AllBut>(std::get<RowSelection::AllBut>(selection.rows), 0);
}

class InvertedFile final : public FaissIvf {
 public:
  explicit InvertedFile(std::unique_ptr<faiss::IndexIVF> index) : m_index(std::move(index)) {}

  bool holds_each_row_once() const override {
    std::vector<bool> seen(static_cast<std::size_t>(m_index->ntotal));
    for (std::size_t list = 0; list < m_index->nlist; ++list) {
      const auto* rows = reinterpret_cast<const std::byte*>(m_index->invlists->get_ids(list));
      for (std::size_t i = 0; i < m_index->invlists->list_size(list); ++i) {
        std::int64_t row = 0;
        std::memcpy(&row, rows + i * sizeof row, sizeof row);
        if (!holds(row) || seen[static_cast<std::size_t>(row)]) return false;
        seen[static_cast<std::size_t>(row)] = true;
      }
    }
    return std::ranges::find(seen, false) == seen.end();
  }

  FoundRows search(std::span<const float> query, std::size_t lists, const RowSelection& selection,
                   std::size_t wanted) const override {
    std::vector<float> scores(wanted);
    std::vector<std::int64_t> rows(wanted, -1);
    const auto selector = selector_of(selection, m_index->ntotal);
    faiss::SearchParametersIVF parameters;
    parameters.nprobe = std::min(lists, m_index->nlist);
    parameters.sel = selector.get();
    guarded([&] {
      m_index->search(1, query.data(), static_cast<std::int64_t>(wanted), scores.data(),
                      rows.data(), &parameters);
    });
    FoundRows found;
    for (std::size_t i = 0; i < wanted; ++i) {
      if (holds(rows[i])) found.push_back({.row = rows[i], .score = scores[i]});
    }
    return found;
  }

  void write(const ByteVisit& visit) const override {
    BlockWriter writer(visit);
    guarded([&] { faiss::write_index(m_index.get(), &writer); });
  }

 private:
  bool holds(std::int64_t row) const { return row >= 0 && row < m_index->ntotal; }

  std::unique_ptr<faiss::IndexIVF> m_index;
};

}  // namespace

std::unique_ptr<FaissIvf> open_faiss_ivf(std::span<const std::byte> file) {
  know_mapped_lists();
  MemoryReader reader(file);
  std::unique_ptr<faiss::Index> read(faiss::read_index(&reader, MappedListsHook::k_flags));
  auto* index = dynamic_cast<faiss::IndexIVF*>(read.get());
  if (index == nullptr || dynamic_cast<MappedLists*>(index->invlists) == nullptr) {
    throw faiss::FaissException("it is no inverted file");
  }
  static_cast<void>(read.release());
  return std::make_unique<InvertedFile>(std::unique_ptr<faiss::IndexIVF>(index));
}

std::unique_ptr<FaissIvf> make_faiss_ivf(const IvfPlan& plan, const std::byte* vectors,
                                         std::int64_t count, bool (*is_interrupted)()) {
  limit_threads();
  const Interruptible interruptible(is_interrupted);
  // Only handed on: FAISS loads floats with instructions that do not mind where they lie.
  const auto* floats = reinterpret_cast<const float*>(vectors);
  auto index = empty_index(plan);
  index->train(count, floats);
  for (std::int64_t first = 0; first < count; first += k_added) {
    faiss::InterruptCallback::check();
    const std::int64_t rows = std::min(k_added, count - first);
    // Row numbers follow one another.
    index->add(rows, floats + static_cast<std::size_t>(first) * plan.dimension);
  }
  return std::make_unique<InvertedFile>(std::move(index));
}

}  // namespace vecdb
