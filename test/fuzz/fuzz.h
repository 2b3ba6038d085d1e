#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

// What the fuzz targets share. A target defines LLVMFuzzerTestOneInput, which libFuzzer calls with
// one input after the other; replay.cpp calls it with files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace vecdb::fuzz {

// Says what does not hold and aborts, which is a finding.
void require(bool holds, std::string_view what);

// What `read` returns, or nothing when it refuses its input with an Error of this kind. Whatever
// else it throws is a finding.
template <typename Read>
auto unless_refused(ErrorKind expected, Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const Error& error) {
    require(error.kind() == expected, error.what());
    require(error.what()[0] != '\0', "an error without a message");
    return std::nullopt;
  }
}

// Cuts an input into parts. Each is a block of its own, so that the address sanitizer sees a step
// out of it.
class Parts {
 public:
  using Bytes = std::vector<char>;

  Parts(const std::uint8_t* data, std::size_t size)
      : m_rest(reinterpret_cast<const char*>(data), size) {}

  bool empty() const noexcept { return m_rest.empty(); }
  unsigned byte();  // 0 at the end
  Bytes part();     // as many bytes as the two before it say, little-endian, or what is left
  Bytes rest();

 private:
  Bytes take(std::size_t count);

  std::string_view m_rest;
};

inline std::string_view view(const Parts::Bytes& bytes) { return {bytes.data(), bytes.size()}; }

// The longest start of `bytes` that is well-formed UTF-8: what a function that demands it is given.
std::string_view well_formed(std::string_view bytes);

}  // namespace vecdb::fuzz
