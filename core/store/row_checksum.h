#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/sha256.h"

namespace vecdb {

// Checksum of one row of the catalogue: the first 32 hexadecimal digits of the SHA-256 over the
// table's name and the row's fields in a fixed order. An integer is 8 bytes, little-endian; a text
// is its length as such an integer and its bytes, so that no two rows serialise alike.
class RowChecksum {
 public:
  explicit RowChecksum(std::string_view table) { add(table); }
  RowChecksum& add(std::int64_t value);
  RowChecksum& add(std::string_view value);
  std::string hex() { return m_hash.hex_digest().substr(0, 32); }  // ends the computation

 private:
  Sha256 m_hash;
};

}  // namespace vecdb
