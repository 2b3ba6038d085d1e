#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// NumPy's file format for one array (numpy.lib.format): of 32-bit floats in two dimensions, rows
// one after another, little-endian.
namespace vecdb {

struct NpyShape {
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::uint64_t data = 0;  // where the first row begins in the file

  friend bool operator==(const NpyShape&, const NpyShape&) = default;
};

// What stands in front of the rows: format 1.0, a multiple of 64 bytes.
std::string npy_header(std::uint64_t rows, std::uint64_t columns);

// A header is within so many bytes.
inline constexpr std::uint64_t k_most_npy_header = std::uint64_t{1} << 16U;

// Whether a file begins as the format does.
bool looks_like_npy(std::string_view begin);

// Reads the header of a file of `file_bytes`, of which `begin` is the beginning: all of it, or
// k_most_npy_header bytes and more. Throws k_io, naming `name`, for anything but such an array, and
// for a file that is not exactly as long as the array.
NpyShape parse_npy_header(std::string_view begin, std::uint64_t file_bytes,
                          const std::string& name);

}  // namespace vecdb
