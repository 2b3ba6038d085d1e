#include "store/flat_file.h"

#include <bit>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "store/rows.h"

namespace vecdb {

namespace {

static_assert(std::endian::native == std::endian::little);

// faiss::MetricType.
constexpr std::int32_t k_inner_product = 0;
constexpr std::int32_t k_euclidean = 1;

// Bytes of an index's own fields: kind, dimension, rows, two unused ones, trained, metric.
constexpr std::size_t k_fields_bytes = 37;
constexpr std::size_t k_plain_header_bytes = k_fields_bytes + sizeof(std::uint64_t);
static_assert(k_flat_header_bytes == k_fields_bytes + k_plain_header_bytes);

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_index(std::string& out, std::string_view kind, std::int64_t dimension,
                  std::int64_t count) {
  out += kind;
  append(out, static_cast<std::int32_t>(dimension));
  append(out, count);
  append(out, std::int64_t{1} << 20);  // two fields that FAISS no longer uses
  append(out, std::int64_t{1} << 20);
  append(out, char{1});  // trained
  append(out, k_inner_product);
}

template <typename T>
T value_at(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The fields of one index, from `at` on.
struct Fields {
  Fields(std::string_view bytes, std::size_t at)
      : kind(bytes.substr(at, 4)),
        dimension(value_at<std::int32_t>(bytes, at + 4)),
        count(value_at<std::int64_t>(bytes, at + 8)),
        trained(bytes[at + 32]),
        metric(value_at<std::int32_t>(bytes, at + 33)) {}

  std::string_view kind;
  std::int32_t dimension;
  std::int64_t count;
  char trained;
  std::int32_t metric;
};

bool is_map(std::string_view kind) { return kind == "IxMp" || kind == "IxM2"; }

bool is_flat(const Fields& fields) {
  if (fields.trained != 1) return false;
  if (fields.kind == "IxFI") return fields.metric == k_inner_product;
  return (fields.kind == "IxF2" || fields.kind == "IxFl") &&
         (fields.metric == k_euclidean || fields.metric == k_inner_product);
}

// Bytes of so many rows, with an id each or without; -1 when no file can be that long.
std::int64_t bytes_of(std::int64_t header, std::int64_t dimension, std::int64_t count,
                      bool has_ids) {
  constexpr auto k_id_bytes = static_cast<std::int64_t>(sizeof(ChunkId));
  std::int64_t a_row = 0;
  std::int64_t bytes = 0;
  const bool overflows =
      __builtin_mul_overflow(dimension, std::int64_t{sizeof(float)}, &a_row) ||
      __builtin_add_overflow(a_row, has_ids ? k_id_bytes : 0, &a_row) ||
      __builtin_mul_overflow(a_row, count, &bytes) ||
      __builtin_add_overflow(bytes, header + (has_ids ? k_id_bytes : 0), &bytes);
  return overflows ? -1 : bytes;
}

}  // namespace

std::string flat_header(std::int64_t dimension, std::int64_t count) {
  std::string header;
  append_index(header, "IxMp", dimension, count);
  append_index(header, "IxFI", dimension, count);
  append(header, static_cast<std::uint64_t>(count * dimension));  // floats that follow
  return header;
}

std::string flat_count_of_ids(std::int64_t count) {
  std::string bytes;
  append(bytes, static_cast<std::uint64_t>(count));
  return bytes;
}

std::int64_t flat_file_bytes(std::int64_t dimension, std::int64_t count) {
  return bytes_of(k_flat_header_bytes, dimension, count, true);
}

bool looks_like_faiss(std::string_view begin) {
  return begin.starts_with("Ix") || begin.starts_with("Iw") || begin.starts_with("IH");
}

FlatFileShape parse_flat_file(std::string_view begin, std::uint64_t file_bytes,
                              const std::string& name) {
  const auto refuse = [&name](const std::string& why) {
    throw Error(ErrorKind::k_io, name + ": " + why);
  };
  const auto refuse_kind = [&] {
    refuse("is not a flat index of FAISS (IndexFlat, by itself or in an IndexIDMap); save its "
           "vectors as .npy");
  };
  if (begin.size() < k_plain_header_bytes) refuse_kind();
  const Fields outer(begin, 0);
  const bool has_ids = is_map(outer.kind);
  const std::size_t header = has_ids ? k_flat_header_bytes : k_plain_header_bytes;
  if (begin.size() < header) refuse_kind();
  const Fields flat(begin, has_ids ? k_fields_bytes : 0);
  if (!is_flat(flat)) refuse_kind();
  const bool agrees = flat.dimension > 0 && flat.count >= 0 && outer.count == flat.count &&
                      outer.dimension == flat.dimension;
  std::uint64_t floats = 0;
  if (!agrees ||
      __builtin_mul_overflow(to_unsigned(flat.count), to_unsigned(flat.dimension), &floats) ||
      value_at<std::uint64_t>(begin, header - sizeof floats) != floats) {
    refuse("its header contradicts itself");
  }
  const auto bytes = bytes_of(static_cast<std::int64_t>(header), flat.dimension, flat.count, has_ids);
  if (bytes < 0 || to_unsigned(bytes) != file_bytes) {
    refuse("has " + std::to_string(file_bytes) + " bytes, which is not what an index of " +
           std::to_string(flat.count) + " vectors of " + std::to_string(flat.dimension) +
           " dimensions takes");
  }
  FlatFileShape shape{.rows = to_unsigned(flat.count),
                      .columns = to_unsigned(flat.dimension),
                      .data = header,
                      .ids = 0};
  if (has_ids) shape.ids = header + floats * sizeof(float) + sizeof(std::uint64_t);
  return shape;
}

}  // namespace vecdb
