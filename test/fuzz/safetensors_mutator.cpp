#include <algorithm>

#include "mutator.h"

using namespace vecdb;

namespace {

constexpr std::size_t k_length_bytes = 8;

}  // namespace

// Changes the header or the data and makes the header's length right again.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  fuzz::Random random(seed);
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  if (size < k_length_bytes || max_size < 2 * k_length_bytes || random.one_in(8)) {
    return fuzz::put(fuzz::mutate_bytes(file, max_size), data, max_size);
  }
  std::uint64_t length = 0;
  for (std::size_t i = k_length_bytes; i-- > 0;) length = length << 8U | data[i];
  std::string header(
      file.substr(k_length_bytes, static_cast<std::size_t>(std::min<std::uint64_t>(length, size))));
  std::string content(file.substr(k_length_bytes + header.size()));
  const std::size_t room = max_size - k_length_bytes;
  if (random.one_in(5)) {
    content = fuzz::mutate_bytes(content, std::max(room, header.size()) - header.size());
  } else {
    header = fuzz::mutate_json(header, room, random);
  }
  const std::string out = fuzz::little_endian(header.size(), k_length_bytes) + header + content;
  return fuzz::put(out, data, max_size);
}
