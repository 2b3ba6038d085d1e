// Takes tokenizer.vecdb apart into its two lines and its sections, changes one of them and puts
// them together again with right sizes.
#include <algorithm>
#include <vector>

#include "mutator.h"

using namespace vecdb;

namespace {

constexpr std::size_t k_size_bytes = 8;
constexpr std::size_t k_number_bytes = 4;

std::string take(std::string_view& rest, std::uint64_t count) {
  const std::string taken(rest.substr(0, static_cast<std::size_t>(count)));
  rest.remove_prefix(taken.size());
  return taken;
}

std::string take_line(std::string_view& rest) {
  const std::size_t newline = rest.find('\n');
  return take(rest, newline == std::string_view::npos ? rest.size() : newline + 1);
}

std::vector<std::string> take_sections(std::string_view& rest) {
  std::vector<std::string> sections;
  while (rest.size() >= k_size_bytes) {
    std::uint64_t size = 0;
    for (std::size_t i = k_size_bytes; i-- > 0;) {
      size = size << 8U | static_cast<unsigned char>(rest[i]);
    }
    rest.remove_prefix(k_size_bytes);
    sections.push_back(take(rest, size));
  }
  return sections;
}

std::string mutate_section(const std::string& section, fuzz::Random& random) {
  if (section.size() < k_number_bytes || random.one_in(2)) {
    return fuzz::mutate_bytes(section, section.size() + 16);
  }
  std::string changed = section;
  const auto place = [&] { return random.below(section.size() / k_number_bytes) * k_number_bytes; };
  if (random.one_in(2)) {
    changed.replace(place(), k_number_bytes, section, place(), k_number_bytes);
  } else {
    changed.replace(place(), k_number_bytes,
                    fuzz::little_endian(random.below(300), k_number_bytes));
  }
  return changed;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  constexpr std::size_t k_before_text = 3;
  fuzz::Random random(seed);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::size_t text = size < k_before_text ? 0 : data[1] | std::size_t{data[2]} << 8U;
  if (size < k_before_text + text || random.one_in(8)) {
    return fuzz::put(fuzz::mutate_bytes(rest, max_size), data, max_size);
  }
  const std::string before = take(rest, k_before_text + text);
  const std::string magic = take_line(rest);
  std::string settings = take_line(rest);
  std::vector<std::string> sections = take_sections(rest);
  if (sections.empty() || random.one_in(3)) {
    settings = fuzz::mutate_json(settings, settings.size() + 32, random);
  } else {
    std::string& section = sections[random.below(sections.size())];
    section = mutate_section(section, random);
  }
  std::string out = before + magic + settings;
  for (const std::string& section : sections) {
    out += fuzz::little_endian(section.size(), k_size_bytes) + section;
  }
  return fuzz::put(out + std::string(rest), data, max_size);
}
