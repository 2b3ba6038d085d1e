// Input: a byte, how many bytes of eight more say by how much the file is longer than what is here,
// and a flat index of FAISS: so that indexes of any size are told of without being there.
#include <cstdint>
#include <string>

#include "fuzz.h"
#include "store/flat_file.h"

using namespace vecdb;
using fuzz::require;

namespace {

std::uint64_t number(fuzz::Parts& parts, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{parts.byte()} << 8U * i;
  return value;
}

// Whether the floats, and the ids if there are any, are exactly what follows the header.
bool fills(const FlatFileShape& shape, std::uint64_t file_bytes) {
  __extension__ using Wide = unsigned __int128;  // in which nothing here overflows
  const Wide floats = Wide{shape.rows} * shape.columns * sizeof(float);
  if (shape.ids == 0) return shape.data + floats == file_bytes;
  return shape.ids == shape.data + floats + sizeof(std::uint64_t) &&
         shape.ids + Wide{shape.rows} * sizeof(ChunkId) == file_bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const std::uint64_t more = number(parts, parts.byte() % 9);
  const auto file = parts.rest();
  std::uint64_t file_bytes = 0;
  if (__builtin_add_overflow(more, file.size(), &file_bytes)) return 0;
  const auto shape = fuzz::unless_refused(
      ErrorKind::k_io, [&] { return parse_flat_file(fuzz::view(file), file_bytes, "fuzz.faiss"); });
  if (!shape) return 0;
  require(looks_like_faiss(fuzz::view(file)), "what does not look like an index is one");
  require(shape->data <= file.size(), "the rows begin where nothing was read");
  require(shape->columns > 0, "vectors have no dimension");
  require(fills(*shape, file_bytes), "the index has not the file's length");
  const auto dimension = static_cast<std::int64_t>(shape->columns);
  const auto count = static_cast<std::int64_t>(shape->rows);
  const std::int64_t again_bytes = flat_file_bytes(dimension, count);
  if (again_bytes < 0) return 0;
  const FlatFileShape again = parse_flat_file(flat_header(dimension, count),
                                              static_cast<std::uint64_t>(again_bytes), "again");
  require(again.rows == shape->rows && again.columns == shape->columns && again.ids != 0,
          "written and read, the index is another one");
  return 0;
}
