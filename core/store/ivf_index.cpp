#include "store/ivf_index.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <faiss/invlists/InvertedListsIOHook.h>
#include <faiss/utils/distances.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <future>
#include <string_view>
#include <thread>
#include <typeinfo>
#include <utility>

#include "base/hex.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/verified_file.h"
#include "base/worker_pool.h"
#include "store/damage.h"
#include "store/ivf_file.h"
#include "store/layout.h"
#include "store/nearest_centroid.h"
#include "store/recall.h"

// Of OpenMP's library, which FAISS uses. Its header is the compiler's own, and not every one has
// it.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int count);

namespace vecdb {

namespace {

// Twice the root of the number of vectors: so a search compares the question with about as many
// centroids as there are vectors in two of its lists.
constexpr double k_lists_a_root = 2;
constexpr int k_iterations = 10;
constexpr int k_samples_a_list = 64;
constexpr std::int64_t k_block = 2048;     // vectors that a thread sorts at a time
constexpr std::int64_t k_added = 16'384;  // rows that are added at a time
// Questions a table of recall is measured with.
constexpr std::int64_t k_questions = 100;
// Rows whose codes are compared for each that is asked for: codes are not the vectors.
constexpr std::size_t k_widening = 2;
constexpr std::size_t k_margin = 32;

constexpr std::array<std::pair<VectorCodes, std::string_view>, 3> k_codes{
    {{VectorCodes::k_f32, "f32"}, {VectorCodes::k_f16, "f16"}, {VectorCodes::k_sq8, "sq8"}}};

std::string_view name_of(VectorCodes codes) {
  return std::ranges::find(k_codes, codes, [](const auto& each) { return each.first; })->second;
}

// Lets FAISS ask whether to go on, for as long as it lives.
class Interruptible {
 public:
  Interruptible() { faiss::InterruptCallback::instance = std::make_unique<Callback>(); }
  ~Interruptible() { faiss::InterruptCallback::clear_instance(); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct Callback : faiss::InterruptCallback {
    bool want_interrupt() override { return pending_interrupt() != 0; }
  };
};

// Hands on what FAISS writes.
class BlockWriter : public faiss::IOWriter {
 public:
  explicit BlockWriter(std::function<void(VectorBlock)> visit) : m_visit(std::move(visit)) {}

  std::size_t operator()(const void* data, std::size_t size, std::size_t count) override {
    m_visit(std::span(static_cast<const std::byte*>(data), size * count));
    return count;
  }

 private:
  std::function<void(VectorBlock)> m_visit;
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

bool holds_each_row_once(const faiss::IndexIVF& index) {
  std::vector<bool> seen(static_cast<std::size_t>(index.ntotal));
  for (std::size_t list = 0; list < index.nlist; ++list) {
    const auto* rows = reinterpret_cast<const std::byte*>(index.invlists->get_ids(list));
    for (std::size_t i = 0; i < index.invlists->list_size(list); ++i) {
      std::int64_t row = 0;
      std::memcpy(&row, rows + i * sizeof row, sizeof row);
      if (row < 0 || row >= index.ntotal || seen[static_cast<std::size_t>(row)]) return false;
      seen[static_cast<std::size_t>(row)] = true;
    }
  }
  return std::ranges::find(seen, false) == seen.end();
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

std::unique_ptr<faiss::IndexIVF> empty_index(std::size_t dimension, std::size_t lists,
                                             VectorCodes codes) {
  constexpr auto k_metric = faiss::METRIC_INNER_PRODUCT;
  auto quantizer = std::make_unique<Centroids>(static_cast<faiss::Index::idx_t>(dimension));
  std::unique_ptr<faiss::IndexIVF> index;
  if (codes == VectorCodes::k_f32) {
    index = std::make_unique<faiss::IndexIVFFlat>(quantizer.get(), dimension, lists, k_metric);
  } else {
    const auto type = codes == VectorCodes::k_f16 ? faiss::ScalarQuantizer::QT_fp16
                                                  : faiss::ScalarQuantizer::QT_8bit;
    index = std::make_unique<faiss::IndexIVFScalarQuantizer>(quantizer.get(), dimension, lists,
                                                             type, k_metric);
  }
  quantizer.release();
  index->own_fields = true;
  index->cp.spherical = true;  // as vectors are of unit length
  index->cp.niter = k_iterations;
  index->cp.min_points_per_centroid = 1;  // fewer would be told on stderr
  index->cp.max_points_per_centroid = k_samples_a_list;
  return index;
}

std::size_t lists_of(std::int64_t rows) {
  const double root = std::sqrt(static_cast<double>(rows));
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(std::llround(k_lists_a_root * root), 1, rows));
}

// The floats of some rows; not aligned, so the pointer is only handed on.
const float* floats_of(const FlatSegment& segment, std::int64_t first, std::int64_t rows) {
  return reinterpret_cast<const float*>(segment.vectors(first, rows).data());
}

void add_rows(faiss::IndexIVF& index, const FlatSegment& segment) {
  const std::int64_t count = segment.row().count;
  for (std::int64_t first = 0; first < count; first += k_added) {
    faiss::InterruptCallback::check();
    const std::int64_t rows = std::min(k_added, count - first);
    index.add(rows, floats_of(segment, first, rows));  // row numbers follow one another
  }
}

// Measures until nearly all neighbours are found.
std::vector<RecallPoint> measure(const FlatSegment& segment, const IvfIndex& index) {
  constexpr double k_enough = 0.9995;
  const RowSelection every = segment.select(nullptr);
  RecallSample sample;
  const std::int64_t count = segment.row().count;
  const std::int64_t step = std::max<std::int64_t>(1, count / k_questions);
  for (std::int64_t row = step / 2; row < count; row += step) {
    sample.add(segment.chunk_at(row), segment.vector_at(row), [&](const auto& query, auto wanted) {
      faiss::InterruptCallback::check();
      std::vector<Proposal> found;
      segment.propose(query, wanted, every, 1, found);
      std::ranges::sort(found, is_better);
      return found;
    });
  }
  std::vector<RecallPoint> table;
  const auto all = static_cast<std::size_t>(index.row().lists);
  for (std::size_t lists = 1; lists <= all; lists = next_effort(lists)) {
    const double recall = sample.recall([&](const auto& query, auto wanted) {
      faiss::InterruptCallback::check();
      std::vector<Proposal> found;
      index.propose(segment, query, wanted, every, lists, found);
      std::ranges::sort(found, is_better);
      return found;
    });
    table.push_back({.lists = lists, .recall = recall});
    if (recall >= k_enough) break;
  }
  return table;
}

IvfRow write_index(const std::filesystem::path& folder, const FlatSegment& segment,
                   VectorCodes codes) {
  const std::int64_t count = segment.row().count;
  const std::size_t lists = lists_of(count);
  const auto index = empty_index(static_cast<std::size_t>(segment.row().dimension), lists, codes);
  index->train(count, floats_of(segment, 0, count));
  add_rows(*index, segment);

  IvfRow row;
  row.lists = to_signed(lists);
  row.codes = codes;
  Sha256 hash;
  BlockWriter hashed([&](VectorBlock bytes) {
    hash.update(bytes);
    row.bytes += to_signed(bytes.size());
  });
  faiss::write_index(index.get(), &hashed);
  row.sha256 = hash.hex_digest();
  row.name = index_name(segment.row().id, row.sha256);
  AtomicFile file(folder / row.name);
  BlockWriter written([&](VectorBlock bytes) { file.write(bytes); });
  faiss::write_index(index.get(), &written);
  file.commit();
  return row;
}

Error cannot(const std::filesystem::path& file, const faiss::FaissException& error) {
  return damaged_index(file, std::string("FAISS cannot use it: ") + error.what());
}

// A whole number that counts something: JSON's others would be rounded or wrap.
std::int64_t count_in(const Json& json) {
  const bool is_count = json.is_number_unsigned() && json.get<std::uint64_t>() <= INT64_MAX;
  return is_count ? json.get<std::int64_t>() : -1;
}

// Its name above all: no other file is to be read, or removed, in its place.
bool is_possible(const IvfRow& row, const SegmentRow& segment) {
  const auto is_sound = [&](const RecallPoint& point) {
    return point.lists > 0 && point.lists <= static_cast<std::size_t>(row.lists) &&
           point.recall >= 0 && point.recall <= 1;
  };
  return row.bytes > 0 && row.lists > 0 && row.lists <= segment.count && is_hex(row.sha256, 64) &&
         row.name == index_name(segment.id, row.sha256) &&
         std::ranges::all_of(row.recall, is_sound);
}

}  // namespace

std::string to_text(const IvfRow& row) {
  Json recall = Json::array();
  for (const RecallPoint& point : row.recall) {
    recall.push_back(Json::array({point.lists, point.recall}));
  }
  return dump_json({{"kind", "ivf"},
                    {"name", row.name},
                    {"bytes", row.bytes},
                    {"sha256", row.sha256},
                    {"lists", row.lists},
                    {"codes", name_of(row.codes)},
                    {"recall", recall}});
}

IvfRow parse_ivf_row(const SegmentRow& segment, const std::filesystem::path& file) {
  const Json json = parse_json(segment.index, file.string(), ErrorKind::k_damaged);
  try {
    IvfRow row;
    json.at("name").get_to(row.name);
    row.bytes = count_in(json.at("bytes"));
    json.at("sha256").get_to(row.sha256);
    row.lists = count_in(json.at("lists"));
    const auto codes = std::ranges::find(k_codes, json.at("codes").get<std::string>(),
                                         [](const auto& each) { return each.second; });
    for (const Json& point : json.at("recall")) {
      row.recall.push_back(
          {.lists = static_cast<std::size_t>(count_in(point.at(0))), .recall = point.at(1)});
    }
    if (codes != k_codes.end() && json.at("kind") == "ivf" && is_possible(row, segment)) {
      row.codes = codes->first;
      return row;
    }
  } catch (const Json::exception&) {  // told below
  }
  throw damaged(file, "describes an index that this vecdb does not know: " + segment.index);
}

std::vector<std::string> files_of(const SegmentRow& row, const std::filesystem::path& catalogue) {
  std::vector<std::string> files{row.name};
  if (!row.index.empty()) files.push_back(parse_ivf_row(row, catalogue).name);
  return files;
}

std::optional<IvfRow> make_ivf_index(const std::filesystem::path& folder,
                                     const FlatSegment& segment, VectorCodes codes) {
  know_mapped_lists();
  limit_threads();
  const Interruptible interruptible;
  std::filesystem::path made;
  try {
    IvfRow row = write_index(folder, segment, codes);
    made = folder / row.name;
    IvfIndex index(made, row);
    index.check(segment.row(), FlatSegment::Check::k_cached);
    row.recall = measure(segment, index);
    return row;
  } catch (const faiss::FaissException& error) {
    std::error_code ignored;
    if (!made.empty()) std::filesystem::remove(made, ignored);
    if (pending_interrupt() != 0) return std::nullopt;
    throw Error(ErrorKind::k_io, folder.string() + ": FAISS cannot make an index: " + error.what());
  }
}

struct IvfIndex::Opened {
  std::unique_ptr<faiss::IndexIVF> index;
};

IvfIndex::IvfIndex(const std::filesystem::path& file, IvfRow row)
    : m_path(file), m_row(std::move(row)), m_file(file) {
  if (to_signed(m_file.bytes().size()) != m_row.bytes) {
    throw damaged_index(m_path, "has " + std::to_string(m_file.bytes().size()) +
                                    " bytes, not the " + std::to_string(m_row.bytes) +
                                    " that were committed");
  }
}

IvfIndex::~IvfIndex() = default;
IvfIndex::IvfIndex(IvfIndex&&) noexcept = default;

void IvfIndex::check(const SegmentRow& segment, FlatSegment::Check how) {
  const bool same = how == FlatSegment::Check::k_cached
                        ? has_sha256(m_file, m_row.sha256)
                        : sha256_hex(m_file.bytes()) == m_row.sha256;
  if (!same) throw damaged_index(m_path, "its bytes are not those that were committed");
  const IvfShape shape{.dimension = segment.dimension,
                       .count = segment.count,
                       .lists = m_row.lists,
                       .codes = m_row.codes};
  if (!has_ivf_shape(m_file.bytes(), shape)) {
    throw damaged_index(m_path, "does not agree with the catalogue");
  }
  know_mapped_lists();
  try {
    MemoryReader reader(m_file.bytes());
    std::unique_ptr<faiss::Index> read(faiss::read_index(&reader, MappedListsHook::k_flags));
    auto* index = dynamic_cast<faiss::IndexIVF*>(read.get());
    if (index == nullptr || dynamic_cast<MappedLists*>(index->invlists) == nullptr) {
      throw damaged_index(m_path, "does not agree with the catalogue");
    }
    if (how == FlatSegment::Check::k_anew && !holds_each_row_once(*index)) {
      throw damaged_index(m_path, "its lists do not hold each row once");
    }
    static_cast<void>(read.release());
    m_index = std::make_unique<Opened>();
    m_index->index.reset(index);
  } catch (const faiss::FaissException& error) {
    throw cannot(m_path, error);
  }
}

std::size_t IvfIndex::lists_for(double recall) const {
  for (const RecallPoint& point : m_row.recall) {
    if (point.recall >= recall) return point.lists;
  }
  return static_cast<std::size_t>(m_row.lists);
}

void IvfIndex::propose(const FlatSegment& segment, std::span<const float> query, std::size_t count,
                       const RowSelection& selection, std::size_t lists,
                       std::vector<Proposal>& proposals) const {
  if (count == 0 || selection.most == 0) return;
  const auto rows = static_cast<std::size_t>(selection.most);
  const std::size_t wanted = std::min(std::min(count, rows) * k_widening + k_margin, rows);
  std::vector<float> scores(wanted);
  std::vector<std::int64_t> found(wanted, -1);
  faiss::SearchParametersIVF parameters;
  parameters.nprobe = std::min(lists, m_index->index->nlist);
  parameters.sel = selection.selector.get();
  try {
    m_index->index->search(1, query.data(), static_cast<std::int64_t>(wanted), scores.data(),
                           found.data(), &parameters);
  } catch (const faiss::FaissException& error) {
    throw cannot(m_path, error);
  }
  std::vector<Proposal> best;
  for (const std::int64_t row : found) {
    if (row < 0 || row >= segment.row().count) continue;
    const float score =
        faiss::fvec_inner_product(query.data(), floats_of(segment, row, 1), query.size());
    if (std::isnan(score)) continue;  // as FAISS's own comparison does: it cannot be sorted
    best.push_back({.chunk = segment.chunk_at(row), .score = score});
  }
  std::ranges::sort(best, is_better);
  if (best.size() > count) best.resize(count);
  proposals.insert(proposals.end(), best.begin(), best.end());
}

}  // namespace vecdb
