// Takes the model apart into the fields of its protobuf messages, changes one and puts them
// together again with right lengths. The normaliser's trie is changed a unit at a time.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "mutator.h"

using namespace vecdb;
using fuzz::Random;

namespace {

enum WireType : unsigned { k_varint = 0, k_fixed64 = 1, k_bytes = 2, k_fixed32 = 5 };

struct Field {
  std::uint64_t tag = 0;
  std::uint64_t number = 0;  // of a varint
  std::string bytes;         // of any other type
  unsigned type() const { return tag & 7U; }
};

std::optional<std::uint64_t> take_varint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) bytes.push_back(static_cast<char>(value | 0x80U));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

// Nothing for what is no message.
std::optional<std::vector<Field>> parse(std::string_view message) {
  std::vector<Field> fields;
  while (!message.empty()) {
    Field field;
    const auto tag = take_varint(message);
    if (!tag) return std::nullopt;
    field.tag = *tag;
    std::optional<std::uint64_t> size;
    switch (field.type()) {
      case k_varint: {
        const auto value = take_varint(message);
        if (!value) return std::nullopt;
        field.number = *value;
        size = 0;
        break;
      }
      case k_fixed64:
        size = 8;
        break;
      case k_bytes:
        size = take_varint(message);
        break;
      case k_fixed32:
        size = 4;
        break;
      default:
        break;
    }
    if (!size || *size > message.size()) return std::nullopt;
    field.bytes = message.substr(0, *size);
    message.remove_prefix(*size);
    fields.push_back(std::move(field));
  }
  return fields;
}

std::string serialise(const std::vector<Field>& fields) {
  std::string message;
  for (const Field& field : fields) {
    message += varint(field.tag);
    if (field.type() == k_varint) message += varint(field.number);
    if (field.type() == k_bytes) message += varint(field.bytes.size());
    message += field.bytes;
  }
  return message;
}

std::uint64_t some_number(Random& random) {
  constexpr auto k_numbers = std::to_array<std::uint64_t>(
      {0, 1, 2, 3, 4, 5, 6, 127, 128, 255, 65536, 1U << 31U, 1ULL << 32U, ~0ULL});
  return k_numbers[random.below(k_numbers.size())];
}

// precompiled_charsmap: the trie's size, the trie, the replacements.
std::string mutate_charsmap(std::string map, std::size_t max_size, Random& random) {
  constexpr std::size_t k_unit = 4;
  if (map.size() < 2 * k_unit || random.one_in(8)) return fuzz::mutate_bytes(map, max_size);
  std::uint64_t trie_size = 0;
  for (std::size_t i = k_unit; i-- > 0;) {
    trie_size = trie_size << 8U | static_cast<unsigned char>(map[i]);
  }
  const std::size_t size =
      std::min(static_cast<std::size_t>(trie_size), map.size() - k_unit) / k_unit * k_unit;
  if (size == 0) return fuzz::mutate_bytes(map, max_size);
  const auto random_unit = [&] { return k_unit + random.below(size / k_unit) * k_unit; };
  const std::size_t at = random_unit();
  switch (random.below(6)) {
    case 0:
      map[at + random.below(k_unit)] ^= static_cast<char>(1U << random.below(8));
      break;
    case 1: {  // an offset inside the trie, a label that fits the place
      const std::size_t offset = random.below(size / k_unit);
      const std::size_t label = random.one_in(2) ? random.below(256) : (at / k_unit - 1) & 0xFFU;
      map.replace(at, k_unit,
                  fuzz::little_endian(offset << 10U | random.below(4) << 8U | label, k_unit));
      break;
    }
    case 2:  // a value
      map.replace(at, k_unit, fuzz::little_endian(1U << 31U | random.below(64), k_unit));
      break;
    case 3:
      map.replace(at, k_unit, map.substr(random_unit(), k_unit));
      break;
    case 4:  // another block of units, a copy of the first
      if (map.size() + 256 * k_unit > max_size) break;
      map.insert(k_unit + size, map.substr(k_unit, 256 * k_unit));
      map.replace(0, k_unit, fuzz::little_endian(size + 256 * k_unit, k_unit));
      break;
    default:
      return map.substr(0, k_unit + size) +
             fuzz::mutate_bytes(std::string_view(map).substr(k_unit + size),
                                map.size() - k_unit - size + 16);
  }
  return map;
}

// `path` are the numbers of the fields that lead here, ten apart: 32 is the map of characters.
std::string mutate_message(std::string_view message, std::size_t max_size, Random& random,
                           unsigned path) {
  constexpr unsigned k_charsmap_path = 32;
  if (path == k_charsmap_path) return mutate_charsmap(std::string(message), max_size, random);
  auto fields = parse(message);
  if (!fields || fields->empty() || random.one_in(16)) {
    return fuzz::mutate_bytes(message, max_size);
  }
  // Pieces are many; trainer and normaliser get their share.
  const auto rare =
      std::ranges::find_if(*fields, [&](const Field& f) { return path == 0 && f.tag >> 3U == 3; });
  const std::size_t index = rare != fields->end() && random.one_in(2)
                                ? static_cast<std::size_t>(rare - fields->begin())
                                : random.below(fields->size());
  const auto field = fields->begin() + static_cast<std::ptrdiff_t>(index);
  switch (random.below(12)) {
    case 0:
      fields->erase(field);
      break;
    case 1:
      fields->insert(field, Field(*field));
      break;
    case 2:
      std::swap(*field, (*fields)[random.below(fields->size())]);
      break;
    case 3:  // another number or type
      field->tag = (1 + random.below(40)) << 3U | field->type();
      break;
    default:
      if (field->type() == k_varint) {
        field->number = some_number(random);
      } else if (field->type() == k_bytes) {
        const auto number = static_cast<unsigned>(field->tag >> 3U & 7U);
        field->bytes =
            mutate_message(field->bytes, field->bytes.size() + 1100, random, path * 10 + number);
      } else {
        field->bytes = fuzz::mutate_bytes(field->bytes, field->bytes.size());
        field->bytes.resize(field->type() == k_fixed32 ? 4 : 8);
      }
  }
  return serialise(*fields);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  constexpr std::size_t k_before_text = 3;
  Random random(seed);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t text = size < k_before_text ? 0 : data[1] | std::size_t{data[2]} << 8U;
  if (size < k_before_text + text || random.one_in(8)) {
    return fuzz::put(fuzz::mutate_bytes(input, max_size), data, max_size);
  }
  const std::string_view before = input.substr(0, k_before_text + text);
  if (text > 0 && random.one_in(6)) {
    const std::string changed = fuzz::mutate_bytes(before.substr(k_before_text), text + 16);
    const std::string out = std::string(1, static_cast<char>(random.below(256))) +
                            fuzz::little_endian(changed.size(), 2) + changed +
                            std::string(input.substr(before.size()));
    return fuzz::put(out, data, max_size);
  }
  const std::string model = mutate_message(input.substr(before.size()), max_size, random, 0);
  return fuzz::put(std::string(before) + model, data, max_size);
}
