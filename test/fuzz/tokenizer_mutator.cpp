// Changes one of the parts of tokenizer_fuzz.cpp's input; those of JSON as JSON.
#include "mutator.h"

using namespace vecdb;

namespace {

constexpr std::size_t k_room = 32;  // that a part may grow by

struct Input {
  std::string head, text, config, tokenizer;
};

std::string take(std::string_view& rest, std::size_t count) {
  const std::string taken(rest.substr(0, count));
  rest.remove_prefix(taken.size());
  return taken;
}

std::string take_part(std::string_view& rest) {
  const std::string size = take(rest, 2);
  if (size.size() < 2) return "";
  return take(rest, static_cast<unsigned char>(size[0]) |
                        std::size_t{static_cast<unsigned char>(size[1])} << 8U);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  fuzz::Random random(seed);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Input input;
  input.head = take(rest, 2);
  input.head.resize(2);
  input.text = take_part(rest);
  input.config = take_part(rest);
  input.tokenizer = rest;
  const std::size_t kind = random.below(16);
  if (kind == 0) {
    input.head = fuzz::mutate_bytes(input.head, 2);
    input.head.resize(2);
  } else if (kind < 3) {
    input.text = fuzz::mutate_bytes(input.text, input.text.size() + k_room);
  } else if (kind < 5) {
    input.config = fuzz::mutate_json(input.config, input.config.size() + k_room, random);
  } else {
    input.tokenizer = fuzz::mutate_json(input.tokenizer, max_size, random);
  }
  const std::string out = input.head + fuzz::little_endian(input.text.size(), 2) + input.text +
                          fuzz::little_endian(input.config.size(), 2) + input.config +
                          input.tokenizer;
  return fuzz::put(out, data, max_size);
}
