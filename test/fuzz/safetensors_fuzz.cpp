// Input: a safetensors file.
#include <algorithm>
#include <map>
#include <span>
#include <string>

#include "base/json.h"
#include "fuzz.h"
#include "model/encoder/safetensors.h"

using namespace vecdb;
using fuzz::require;

namespace {

using Table = std::map<std::string, TensorView>;

std::uint64_t elements_of(const TensorView& tensor) {
  std::uint64_t count = 1;
  for (const std::int64_t extent : tensor.shape) {
    require(extent >= 0, "an extent is negative");
    count *= static_cast<std::uint64_t>(extent);
  }
  return count;
}

void check_views(const Table& table, std::span<const std::byte> file) {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : table) {
    const std::span<const std::byte> view = tensor.bytes;
    require(view.data() >= file.data() && view.size() <= file.size() &&
                view.data() + view.size() <= file.data() + file.size(),
            "a view leads out of the file");
    require(view.size() == elements_of(tensor) * size_of(tensor.dtype), "a view has another size");
    const std::int64_t found = find_non_finite(tensor);
    require(found >= -1 && found < static_cast<std::int64_t>(elements_of(tensor)),
            "what is not finite is no element");
    bytes += view.size();
  }
  require(bytes + 8 <= file.size(), "the views are larger than the file");
}

// The same table in a file of its own, laid out in the order of the names.
std::string serialise(const Table& table) {
  Json header = Json::object();
  std::string data;
  for (const auto& [name, tensor] : table) {
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    header[name] = {{"dtype", name_of(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {begin, data.size()}}};
  }
  const std::string text = dump_json(header);
  std::string file;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    file.push_back(static_cast<char>(std::uint64_t{text.size()} >> shift));
  }
  return file + text + data;
}

bool same(const Table::value_type& a, const Table::value_type& b) {
  return a.first == b.first && a.second.dtype == b.second.dtype &&
         a.second.shape == b.second.shape && std::ranges::equal(a.second.bytes, b.second.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  const auto table = fuzz::unless_refused(
      ErrorKind::k_model, [&] { return parse_safetensors(file, "fuzz.safetensors"); });
  if (!table) return 0;
  check_views(*table, file);
  const std::string again = serialise(*table);
  const Table read = parse_safetensors(std::as_bytes(std::span(again)), "again");
  require(std::ranges::equal(*table, read, same), "written and read, the table is another one");
  return 0;
}
