#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

// Pieces of which the targets' own mutators are made. Linked with libFuzzer only.
namespace vecdb::fuzz {

class Random {
 public:
  explicit Random(unsigned seed) : m_engine(seed) {}
  // In [0, limit); limit is at least 1.
  std::size_t below(std::size_t limit) { return m_engine() % limit; }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::minstd_rand m_engine;
};

// libFuzzer's own mutation, which knows the dictionary. At most `max_size` bytes come out.
std::string mutate_bytes(std::string_view bytes, std::size_t max_size);

// One change of a JSON text that mostly leaves it one: a value is exchanged, dropped, doubled,
// wrapped or changed in place.
std::string mutate_json(std::string_view json, std::size_t max_size, Random& random);

// Copies an input back for libFuzzer, cut to `max_size`. Returns its size.
std::size_t put(std::string_view input, std::uint8_t* data, std::size_t max_size);

std::string little_endian(std::uint64_t value, std::size_t bytes);

}  // namespace vecdb::fuzz
