#include "store/row_checksum.h"

#include <array>
#include <bit>
#include <cstring>

namespace vecdb {

static_assert(std::endian::native == std::endian::little, "stores are little-endian");

RowChecksum& RowChecksum::add(std::int64_t value) {
  std::array<char, sizeof value> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  m_hash.update(std::string_view(bytes.data(), bytes.size()));
  return *this;
}

RowChecksum& RowChecksum::add(std::string_view value) {
  add(static_cast<std::int64_t>(value.size()));
  m_hash.update(value);
  return *this;
}

}  // namespace vecdb
