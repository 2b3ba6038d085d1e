#include "base/random_hex.h"

#include <sys/random.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/hex.h"

namespace vecdb {

std::string random_hex(std::size_t digits) {
  std::array<unsigned char, 256> bytes{};
  while (::getrandom(bytes.data(), digits / 2, 0) != static_cast<ssize_t>(digits / 2)) {
    if (errno == EINTR) continue;
    throw Error(ErrorKind::k_io, "random numbers: the system gives none: " + last_system_error());
  }
  return to_hex(std::span(bytes).first(digits / 2));
}

}  // namespace vecdb
