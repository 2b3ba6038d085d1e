#include "mutator.h"

using namespace vecdb;

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  fuzz::Random random(seed);
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  return fuzz::put(fuzz::mutate_json(json, max_size, random), data, max_size);
}
