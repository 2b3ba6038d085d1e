#include "fuzz.h"

#include <cstdio>
#include <cstdlib>

#include "base/utf8.h"

namespace vecdb::fuzz {

void require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

unsigned Parts::byte() {
  if (m_rest.empty()) return 0;
  const auto first = static_cast<unsigned char>(m_rest.front());
  m_rest.remove_prefix(1);
  return first;
}

Parts::Bytes Parts::part() {
  const std::size_t low = byte();
  return take(low | std::size_t{byte()} << 8U);
}

Parts::Bytes Parts::rest() { return take(m_rest.size()); }

Parts::Bytes Parts::take(std::size_t count) {
  const std::string_view taken = m_rest.substr(0, count);
  m_rest.remove_prefix(taken.size());
  return {taken.begin(), taken.end()};
}

std::string_view well_formed(std::string_view bytes) {
  return bytes.substr(0, find_invalid_utf8(bytes).value_or(bytes.size()));
}

}  // namespace vecdb::fuzz
