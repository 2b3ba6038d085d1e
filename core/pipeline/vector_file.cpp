#include "pipeline/vector_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/npy.h"
#include "store/flat_file.h"

namespace vecdb {

namespace {

constexpr std::uint64_t k_block_bytes = std::uint64_t{1} << 20U;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorKind::k_io, path.string() + ": " + why);
}

}  // namespace

VectorFile::VectorFile(std::filesystem::path path)
    : m_path(std::move(path)), m_file(open_regular_file(m_path)) {
  const std::uint64_t size = stamp_of(m_file, m_path).size;
  std::string begin(std::min(size, k_most_npy_header), '\0');
  read_at(0, std::as_writable_bytes(std::span(begin)));
  if (looks_like_npy(begin)) {
    const NpyShape shape = parse_npy_header(begin, size, m_path.string());
    m_rows = shape.rows;
    m_columns = shape.columns;
    m_data = shape.data;
  } else if (looks_like_faiss(begin)) {
    const FlatFileShape shape = parse_flat_file(begin, size, m_path.string());
    m_rows = shape.rows;
    m_columns = shape.columns;
    m_data = shape.data;
    m_ids = shape.ids;
    std::uint64_t ids = m_rows;
    if (m_ids > 0) read_at(m_ids - sizeof ids, std::as_writable_bytes(std::span(&ids, 1)));
    if (ids != m_rows) refuse(m_path, "does not have an id for every vector");
  } else {
    refuse(m_path, "is neither a .npy file nor an index of FAISS");
  }
  if (m_columns > k_block_bytes) refuse(m_path, "has vectors of more than a million dimensions");
}

std::vector<float> VectorFile::next() {
  if (m_next >= m_block_first + m_block_rows) {
    m_block_first = m_next;
    m_block_rows = std::min(m_rows - m_next,
                            std::max<std::uint64_t>(1, k_block_bytes / (m_columns * sizeof(float))));
    m_block.resize(m_block_rows * m_columns);
    read_at(m_data + m_next * m_columns * sizeof(float), std::as_writable_bytes(std::span(m_block)));
    if (m_ids > 0) {
      m_block_ids.resize(m_block_rows);
      read_at(m_ids + m_next * sizeof(ChunkId), std::as_writable_bytes(std::span(m_block_ids)));
    }
  }
  const auto row = m_block.begin() + static_cast<std::ptrdiff_t>((m_next - m_block_first) * m_columns);
  ++m_next;
  return {row, row + static_cast<std::ptrdiff_t>(m_columns)};
}

std::optional<ChunkId> VectorFile::id() const {
  if (m_ids == 0) return std::nullopt;
  return m_block_ids[m_next - 1 - m_block_first];
}

void VectorFile::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got =
        ::pread(m_file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(m_path, "cannot read: " + last_system_error());
    if (got == 0) refuse(m_path, "was cut short while it was read");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

}  // namespace vecdb
