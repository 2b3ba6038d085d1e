#include "store/flat_segment.h"

#include <faiss/Index.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/utils/distances.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/sha256.h"
#include "base/verified_file.h"
#include "store/damage.h"
#include "store/layout.h"

namespace vecdb {

namespace {

// FAISS's own fields, packed in this order, then the floats of all rows.
constexpr std::size_t k_header_bytes = 45;

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string header_of(std::int64_t dimension, std::int64_t count) {
  std::string header = "IxFI";
  append(header, static_cast<std::int32_t>(dimension));
  append(header, count);
  append(header, std::int64_t{1} << 20);  // two fields that FAISS no longer uses
  append(header, std::int64_t{1} << 20);
  append(header, char{1});  // trained
  append(header, static_cast<std::int32_t>(faiss::METRIC_INNER_PRODUCT));
  append(header, static_cast<std::uint64_t>(count * dimension));  // floats that follow
  return header;
}

std::int64_t file_bytes(std::int64_t dimension, std::int64_t count) {
  std::int64_t bytes = 0;
  const bool overflows = __builtin_mul_overflow(dimension, count, &bytes) ||
                         __builtin_mul_overflow(bytes, std::int64_t{sizeof(float)}, &bytes) ||
                         __builtin_add_overflow(bytes, std::int64_t{k_header_bytes}, &bytes);
  return overflows ? -1 : bytes;
}

using RowNumber = std::remove_cvref_t<decltype(faiss::Index::ntotal)>;

// Leaves dead rows out of a search.
class LiveRows : public faiss::IDSelector {
 public:
  explicit LiveRows(const std::vector<bool>& dead) : m_dead(dead) {}
  bool is_member(RowNumber row) const override { return !m_dead[static_cast<std::size_t>(row)]; }

 private:
  const std::vector<bool>& m_dead;
};

}  // namespace

void write_flat_segment(const std::filesystem::path& folder, std::span<const NewDocument> documents,
                        SegmentRow& row) {
  row.bytes = file_bytes(row.dimension, row.count);
  const std::string header = header_of(row.dimension, row.count);
  Sha256 hash;
  hash.update(header);
  for (const NewDocument& document : documents)
    hash.update(std::as_bytes(std::span(document.vectors)));
  row.sha256 = hash.hex_digest();
  row.name = segment_name(row.id, row.sha256);

  AtomicFile file(folder / row.name);
  file.write(header);
  for (const NewDocument& document : documents)
    file.write(std::as_bytes(std::span(document.vectors)));
  file.commit();
}

FlatSegment::FlatSegment(const std::filesystem::path& file, SegmentRow row)
    : m_path(file), m_row(std::move(row)), m_file(file) {
  const std::int64_t size = to_signed(m_file.bytes().size());
  if (m_row.dimension <= 0 || m_row.count <= 0 || m_row.bytes != size ||
      size != file_bytes(m_row.dimension, m_row.count)) {
    throw damaged(m_path, "has " + std::to_string(size) + " bytes, not the " +
                              std::to_string(m_row.bytes) + " that were committed");
  }
  if (m_row.dead.empty()) return;
  m_dead.resize(static_cast<std::size_t>(m_row.count));
  for (const std::int64_t dead : m_row.dead) {
    if (dead < 0 || dead >= m_row.count)
      throw damaged(m_path, "has fewer rows than tombstones name");
    m_dead[static_cast<std::size_t>(dead)] = true;
  }
}

void FlatSegment::check(Check how) const {
  const bool same = how == Check::k_cached ? has_sha256(m_file, m_row.sha256)
                                           : sha256_hex(m_file.bytes()) == m_row.sha256;
  if (!same) throw damaged(m_path, "its bytes are not those that were committed");
  const std::string header = header_of(m_row.dimension, m_row.count);
  if (std::memcmp(m_file.bytes().data(), header.data(), k_header_bytes) != 0) {
    throw damaged(m_path, "its header does not agree with the catalogue");
  }
}

void FlatSegment::propose(std::span<const float> query, std::size_t count,
                          std::vector<Proposal>& proposals) const {
  const std::size_t wanted = std::min(count, static_cast<std::size_t>(live()));
  if (wanted == 0) return;
  std::vector<float> scores(wanted);
  std::vector<std::int64_t> rows(wanted, -1);
  // The rows are not aligned for floats, so this pointer is only handed on: FAISS loads them with
  // instructions that do not mind.
  const auto* vectors = reinterpret_cast<const float*>(m_file.bytes().data() + k_header_bytes);
  const LiveRows selector(m_dead);
  try {
    faiss::knn_inner_product(query.data(), vectors, query.size(), 1,
                             static_cast<std::size_t>(m_row.count), wanted, scores.data(),
                             rows.data(), m_dead.empty() ? nullptr : &selector);
  } catch (const faiss::FaissException& error) {
    throw Error(ErrorKind::k_io, m_path.string() + ": FAISS cannot search it: " + error.what());
  }
  for (std::size_t i = 0; i < wanted; ++i) {
    if (rows[i] < 0 || rows[i] >= m_row.count) continue;
    proposals.push_back({.row = {.segment = m_row.id, .row = rows[i]}, .score = scores[i]});
  }
}

std::vector<float> FlatSegment::vector_at(std::int64_t row) const {
  const auto dimension = static_cast<std::size_t>(m_row.dimension);
  std::vector<float> vector(dimension);
  const std::size_t offset =
      k_header_bytes + static_cast<std::size_t>(row) * dimension * sizeof(float);
  std::memcpy(vector.data(), m_file.bytes().data() + offset, dimension * sizeof(float));
  return vector;
}

std::string faiss_version() {
  return std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
         std::to_string(FAISS_VERSION_PATCH);
}

}  // namespace vecdb
