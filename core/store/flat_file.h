#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/store.h"

// How faiss::write_index lays out a flat index: packed fields, the floats of all rows, and for an
// IndexIDMap around it how many ids follow and the ids. docs/FORMAT.md has the table.
namespace vecdb {

// Of an IndexIDMap over an IndexFlatIP: where the floats begin.
inline constexpr std::size_t k_flat_header_bytes = 82;

// The fields before the floats.
std::string flat_header(std::int64_t dimension, std::int64_t count);
// What stands between the floats and the ids.
std::string flat_count_of_ids(std::int64_t count);
// Of the whole file; -1 when no file can be that long.
std::int64_t flat_file_bytes(std::int64_t dimension, std::int64_t count);

// A flat index that may come from anywhere.
struct FlatFileShape {
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::uint64_t data = 0;  // where the first row's floats begin in the file
  std::uint64_t ids = 0;   // where the ids of an IndexIDMap begin, 8 bytes each; 0: it has none
};

// Whether a file begins as some index of FAISS does.
bool looks_like_faiss(std::string_view begin);

// Reads the header of a file of `file_bytes`, of which `begin` is the beginning, at least
// k_flat_header_bytes or all of it. FAISS itself never sees it: it trusts what it reads. Throws
// k_io, naming `name`, for anything but an IndexFlat, by itself or in an IndexIDMap, that is
// exactly as long as it says. How many ids there are stands 8 bytes before them.
FlatFileShape parse_flat_file(std::string_view begin, std::uint64_t file_bytes,
                              const std::string& name);

}  // namespace vecdb
