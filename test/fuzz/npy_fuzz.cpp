// Input: a byte, how many bytes of eight more say by how much the file is longer than what is here,
// and a .npy file: so that arrays of any size are told of without being there.
#include <cstdint>
#include <string>

#include "base/npy.h"
#include "fuzz.h"

using namespace vecdb;
using fuzz::require;

namespace {

std::uint64_t number(fuzz::Parts& parts, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{parts.byte()} << 8U * i;
  return value;
}

// Whether an array after `data` bytes is exactly as long as a file of `file_bytes`; without a step
// that could overflow.
bool fills(const NpyShape& shape, std::uint64_t file_bytes) {
  if (shape.columns == 0 || shape.data > file_bytes) return false;
  const std::uint64_t bytes = file_bytes - shape.data;
  if (shape.rows == 0) return bytes == 0;
  return bytes % sizeof(float) == 0 && bytes / sizeof(float) % shape.rows == 0 &&
         bytes / sizeof(float) / shape.rows == shape.columns;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const std::uint64_t more = number(parts, parts.byte() % 9);
  const auto file = parts.rest();
  std::uint64_t file_bytes = 0;
  if (__builtin_add_overflow(more, file.size(), &file_bytes)) return 0;
  const auto shape = fuzz::unless_refused(
      ErrorKind::k_io, [&] { return parse_npy_header(fuzz::view(file), file_bytes, "fuzz.npy"); });
  if (!shape) return 0;
  require(looks_like_npy(fuzz::view(file)), "what does not look like an array is one");
  require(shape->data <= file.size(), "the rows begin where nothing was read");
  require(fills(*shape, file_bytes), "the array has not the file's length");
  const std::string header = npy_header(shape->rows, shape->columns);
  require(header.size() % 64 == 0, "a header is no multiple of 64");
  std::uint64_t again_bytes = 0;
  if (__builtin_add_overflow(file_bytes - shape->data, header.size(), &again_bytes)) return 0;
  const NpyShape again = parse_npy_header(header, again_bytes, "again");
  require(again == NpyShape{shape->rows, shape->columns, header.size()},
          "written and read, the shape is another one");
  return 0;
}
