#include "model/encoder/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace vecdb {

namespace {

constexpr std::size_t k_length_bytes = 8;
constexpr std::uint64_t k_max_header = 100'000'000;
constexpr const char* k_metadata = "__metadata__";

struct DTypeEntry {
  DType dtype;
  const char* name;
  std::size_t size;
};

constexpr std::array<DTypeEntry, 10> k_dtypes{{{DType::k_f64, "F64", 8},
                                               {DType::k_f32, "F32", 4},
                                               {DType::k_f16, "F16", 2},
                                               {DType::k_bf16, "BF16", 2},
                                               {DType::k_i64, "I64", 8},
                                               {DType::k_i32, "I32", 4},
                                               {DType::k_i16, "I16", 2},
                                               {DType::k_i8, "I8", 1},
                                               {DType::k_u8, "U8", 1},
                                               {DType::k_bool, "BOOL", 1}}};

const DTypeEntry& entry_of(DType dtype) {
  return *std::ranges::find(k_dtypes, dtype, &DTypeEntry::dtype);
}

// Bytes [begin, end) of the data that follows the header.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  friend auto operator<=>(const Range&, const Range&) = default;
};

std::string to_string(const Range& range) {
  return "[" + std::to_string(range.begin) + ", " + std::to_string(range.end) + ")";
}

// Reads one file; holds what its errors name.
class Reader {
 public:
  Reader(std::span<const std::byte> file, const std::string& name) : m_file(file), m_name(name) {}

  std::map<std::string, TensorView> read();

 private:
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse(const std::string& tensor, const std::string& why) const;
  Json read_header();
  void check_metadata(const Json& metadata) const;
  TensorView read_tensor(const std::string& tensor, const Json& entry);
  const DTypeEntry& read_dtype(const std::string& tensor, const Json& value) const;
  std::vector<std::int64_t> read_shape(const std::string& tensor, const Json& value) const;
  std::uint64_t size_in_bytes(const std::string& tensor, const TensorView& view) const;
  Range read_range(const std::string& tensor, const Json& value) const;
  void check_coverage();

  std::span<const std::byte> m_file;
  std::span<const std::byte> m_data;  // after the header
  const std::string& m_name;
  std::vector<std::pair<Range, std::string>> m_ranges;
};

void Reader::refuse(const std::string& why) const {
  throw Error(ErrorKind::k_model,
              m_name + ": not a sound safetensors file: " + why + "; get the file again");
}

void Reader::refuse(const std::string& tensor, const std::string& why) const {
  refuse("tensor " + dump_json(tensor) + ": " + why);
}

std::map<std::string, TensorView> Reader::read() {
  const Json header = read_header();
  std::map<std::string, TensorView> tensors;
  for (const auto& [key, value] : header.items()) {
    if (key == k_metadata) {
      check_metadata(value);
    } else {
      tensors.emplace(key, read_tensor(key, value));
    }
  }
  check_coverage();
  return tensors;
}

Json Reader::read_header() {
  if (m_file.size() < k_length_bytes) {
    refuse("it has " + std::to_string(m_file.size()) + " bytes, fewer than a header's length");
  }
  std::uint64_t length = 0;
  for (std::size_t i = k_length_bytes; i-- > 0;) {
    length = length << 8U | std::to_integer<std::uint64_t>(m_file[i]);
  }
  const std::uint64_t limit = std::min<std::uint64_t>(k_max_header, m_file.size() - k_length_bytes);
  if (length > limit) {
    refuse("its header is said to have " + std::to_string(length) +
           " bytes, the most possible is " + std::to_string(limit));
  }
  const auto bytes = m_file.subspan(k_length_bytes, length);
  m_data = m_file.subspan(k_length_bytes + length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with('{')) refuse("its header does not start with '{'");
  return parse_json(text, m_name + ": header", ErrorKind::k_model);
}

void Reader::check_metadata(const Json& metadata) const {
  const bool sound = metadata.is_object() && std::ranges::all_of(metadata, [](const Json& value) {
                       return value.is_string();
                     });
  if (!sound) refuse("__metadata__ is not an object of strings");
}

TensorView Reader::read_tensor(const std::string& tensor, const Json& entry) {
  const bool sound = entry.is_object() && entry.size() == 3 && entry.contains("dtype") &&
                     entry.contains("shape") && entry.contains("data_offsets");
  if (!sound) refuse(tensor, "not an object of dtype, shape and data_offsets");
  TensorView view;
  view.dtype = read_dtype(tensor, entry["dtype"]).dtype;
  view.shape = read_shape(tensor, entry["shape"]);
  const std::uint64_t size = size_in_bytes(tensor, view);
  const Range range = read_range(tensor, entry["data_offsets"]);
  if (range.end - range.begin != size) {
    refuse(tensor, "its data " + to_string(range) + " has not the " + std::to_string(size) +
                       " bytes of its shape");
  }
  view.bytes = m_data.subspan(range.begin, size);
  m_ranges.emplace_back(range, tensor);
  return view;
}

const DTypeEntry& Reader::read_dtype(const std::string& tensor, const Json& value) const {
  if (!value.is_string()) refuse(tensor, "its dtype is not a string");
  const auto& name = value.get_ref<const std::string&>();
  const auto* found = std::ranges::find(k_dtypes, name, &DTypeEntry::name);
  if (found == k_dtypes.end()) refuse(tensor, "unknown dtype " + dump_json(value));
  return *found;
}

std::vector<std::int64_t> Reader::read_shape(const std::string& tensor, const Json& value) const {
  if (!value.is_array()) refuse(tensor, "its shape is not an array");
  std::vector<std::int64_t> shape;
  for (const Json& element : value) {
    if (!element.is_number_unsigned() ||
        !std::in_range<std::int64_t>(element.get<std::uint64_t>())) {
      refuse(tensor, "its shape holds " + dump_json(element) + ", not a size");
    }
    shape.push_back(element.get<std::int64_t>());
  }
  return shape;
}

std::uint64_t Reader::size_in_bytes(const std::string& tensor, const TensorView& view) const {
  std::uint64_t size = size_of(view.dtype);
  for (const std::int64_t dimension : view.shape) {
    if (__builtin_mul_overflow(size, static_cast<std::uint64_t>(dimension), &size)) {
      refuse(tensor, "its shape has more bytes than 64 bits count");
    }
  }
  return size;
}

Range Reader::read_range(const std::string& tensor, const Json& value) const {
  const bool sound =
      value.is_array() && value.size() == 2 &&
      std::ranges::all_of(value, [](const Json& offset) { return offset.is_number_unsigned(); });
  if (!sound) refuse(tensor, "its data_offsets are not two sizes");
  const Range range{value[0].get<std::uint64_t>(), value[1].get<std::uint64_t>()};
  if (range.begin > range.end || range.end > m_data.size()) {
    refuse(tensor, "its data " + to_string(range) + " is not inside the file's " +
                       std::to_string(m_data.size()) + " bytes of data");
  }
  return range;
}

void Reader::check_coverage() {
  std::ranges::sort(m_ranges);
  std::uint64_t covered = 0;
  for (const auto& [range, tensor] : m_ranges) {
    if (range.begin != covered) {
      refuse(tensor, "its data " + to_string(range) + " does not start at " +
                         std::to_string(covered) + ", where the data before it ends");
    }
    covered = range.end;
  }
  if (covered != m_data.size()) {
    refuse(std::to_string(m_data.size() - covered) + " bytes at its end belong to no tensor");
  }
}

// Index of the first element whose exponent bits are all ones, as those of NaN and infinity are.
// Whole blocks are tested without a branch, so that the compiler uses vector instructions; the
// bytes are copied because they may lie unaligned.
template <typename Bits, Bits k_exponent>
std::int64_t find_full_exponent(std::span<const std::byte> bytes) {
  constexpr Bits k_lowest = k_exponent & static_cast<Bits>(0U - k_exponent);
  constexpr Bits k_carry = static_cast<Bits>(k_exponent + k_lowest);
  constexpr std::size_t k_block = 1024;
  std::array<Bits, k_block> block;
  for (std::size_t start = 0; start < bytes.size(); start += sizeof block) {
    const std::size_t size = std::min(sizeof block, bytes.size() - start);
    block.fill(0);
    std::memcpy(block.data(), bytes.data() + start, size);
    Bits carries = 0;
    for (const Bits bits : block) carries |= static_cast<Bits>((bits & k_exponent) + k_lowest);
    if ((carries & k_carry) == 0) continue;
    const auto found =
        std::ranges::find_if(block, [](Bits bits) { return (bits & k_exponent) == k_exponent; });
    return static_cast<std::int64_t>(start / sizeof(Bits)) + (found - block.begin());
  }
  return -1;
}

}  // namespace

const char* name_of(DType dtype) { return entry_of(dtype).name; }

std::size_t size_of(DType dtype) { return entry_of(dtype).size; }

std::map<std::string, TensorView> parse_safetensors(std::span<const std::byte> file,
                                                    const std::string& name) {
  return Reader(file, name).read();
}

std::int64_t find_non_finite(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::k_f64:
      return find_full_exponent<std::uint64_t, 0x7FF0000000000000U>(tensor.bytes);
    case DType::k_f32:
      return find_full_exponent<std::uint32_t, 0x7F800000U>(tensor.bytes);
    case DType::k_f16:
      return find_full_exponent<std::uint16_t, 0x7C00U>(tensor.bytes);
    case DType::k_bf16:
      return find_full_exponent<std::uint16_t, 0x7F80U>(tensor.bytes);
    default:
      return -1;
  }
}

}  // namespace vecdb
