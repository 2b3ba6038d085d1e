#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "base/file.h"
#include "store/store.h"

namespace vecdb {

// A file of vectors, read from front to back with little memory: NumPy's .npy, or a flat index of
// FAISS, told by content. Every failure is k_io and names the file.
class VectorFile {
 public:
  // Refuses what is neither, and a file that is not exactly as long as its header says.
  explicit VectorFile(std::filesystem::path path);

  std::uint64_t rows() const noexcept { return m_rows; }
  std::uint64_t columns() const noexcept { return m_columns; }

  // The next row, columns() floats, whatever they are. There must be one.
  std::vector<float> next();
  // The id that an IndexIDMap has for the row that next() returned last; nothing elsewhere.
  std::optional<ChunkId> id() const;

 private:
  void read_at(std::uint64_t offset, std::span<std::byte> bytes) const;

  std::filesystem::path m_path;
  FileDescriptor m_file;
  std::uint64_t m_rows = 0;
  std::uint64_t m_columns = 0;
  std::uint64_t m_data = 0;  // where the rows begin
  std::uint64_t m_ids = 0;   // where the ids begin; 0: there are none
  std::uint64_t m_next = 0;  // row
  std::vector<float> m_block;  // rows that were read ahead
  std::vector<ChunkId> m_block_ids;
  std::uint64_t m_block_first = 0;
  std::uint64_t m_block_rows = 0;
};

}  // namespace vecdb
