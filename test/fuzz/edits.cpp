#include "edits.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace vecdb::fuzz {

namespace {

void put_number(std::string& file, std::size_t at, std::uint64_t number, std::size_t bytes) {
  const std::size_t count = std::min(bytes, file.size() - at);
  std::memcpy(file.data() + at, &number, count);
}

void edit(std::string& file, unsigned action, std::size_t at, unsigned value) {
  const std::size_t length = std::min<std::size_t>(value, file.size() - at);
  switch (action & 7U) {
    case 0:
      file[at] = static_cast<char>(value);
      return;
    case 1:
      return put_number(file, at, number_of(value, (action & 16U) != 0), 4);
    case 2:
      return put_number(file, at, number_of(value, (action & 16U) != 0), 8);
    case 3:
      return file.resize(at);
    case 4:
      std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), length, '\0');
      return;
    case 5:
      file.insert(at, value % 512, static_cast<char>(value >> 9U));
      return;
    case 6: {
      const std::string elsewhere = file.substr(value % file.size(), 64);
      std::copy_n(elsewhere.begin(), std::min(elsewhere.size(), file.size() - at),
                  file.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    }
    default:
      file[at] = static_cast<char>(file[at] ^ static_cast<char>(1U << value % 8));
  }
}

}  // namespace

std::uint64_t number_of(unsigned value, bool is_interesting) {
  constexpr auto k_edges = std::to_array<std::uint64_t>(
      {0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
       0xffffffff, 0x100000000, std::uint64_t{1} << 38U, (std::uint64_t{1} << 40U) - 1,
       std::uint64_t{1} << 61U, std::uint64_t{1} << 62U, 0x7fffffffffffffff, 0x8000000000000000,
       0xfffffffffffffffe, 0xffffffffffffffff});
  return is_interesting ? k_edges[value % k_edges.size()] + value / k_edges.size() % 3 : value;
}

std::string edited(std::string file, Parts& edits) {
  while (!edits.empty() && !file.empty()) {
    const unsigned action = edits.byte();
    const std::size_t first = edits.byte();
    const std::size_t place = first | std::size_t{edits.byte()} << 8U;
    const unsigned low = edits.byte();
    const unsigned value = low | edits.byte() << 8U;
    const std::size_t within = (action & 8U) != 0 ? std::min<std::size_t>(file.size(), 256)
                                                  : file.size();
    edit(file, action, place % within, value);
  }
  return file;
}

}  // namespace vecdb::fuzz
