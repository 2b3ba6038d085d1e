#include "store/ivf_file.h"

#include <cstring>
#include <string_view>
#include <type_traits>

namespace vecdb {

namespace {

// Goes through a file; false ever after once something is not as expected.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : m_rest(bytes) {}

  bool is_sound() const noexcept { return m_sound; }
  std::uint64_t left() const noexcept { return m_rest.size(); }

  void require(bool holds) { m_sound = m_sound && holds; }

  // 0 at the end.
  template <typename T>
  T take() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    const auto bytes = skip(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  template <typename T>
  void expect(std::type_identity_t<T> value) {
    require(take<T>() == value);
  }

  void expect_kind(std::string_view kind) {
    const auto bytes = skip(kind.size());
    require(!bytes.empty() && std::memcmp(bytes.data(), kind.data(), kind.size()) == 0);
  }

  // An array of so many, its length in front of it.
  void expect_array(std::uint64_t rows, std::uint64_t columns, std::uint64_t item_bytes) {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
    require(!__builtin_mul_overflow(rows, columns, &items) &&
            !__builtin_mul_overflow(items, item_bytes, &bytes));
    expect<std::uint64_t>(items);
    if (m_sound) skip(bytes);
  }

 private:
  // Empty when there are not that many.
  std::span<const std::byte> skip(std::uint64_t count) {
    require(count <= m_rest.size());
    if (!m_sound) return {};
    const auto skipped = m_rest.first(static_cast<std::size_t>(count));
    m_rest = m_rest.subspan(skipped.size());
    return skipped;
  }

  std::span<const std::byte> m_rest;
  bool m_sound = true;
};

std::uint64_t code_bytes_of(const IvfShape& shape) {
  const auto dimension = static_cast<std::uint64_t>(shape.dimension);
  switch (shape.codes) {
    case VectorCodes::k_f32:
      return dimension * sizeof(float);
    case VectorCodes::k_f16:
      return dimension * 2;
    case VectorCodes::k_sq8:
      break;
  }
  return dimension;
}

// The fields that every index begins with, after its kind.
void expect_index(Fields& fields, std::int64_t dimension, std::int64_t count) {
  fields.expect<std::int32_t>(static_cast<std::int32_t>(dimension));
  fields.expect<std::int64_t>(count);
  fields.expect<std::int64_t>(1 << 20);  // two fields that FAISS no longer uses
  fields.expect<std::int64_t>(1 << 20);
  fields.expect<std::uint8_t>(1);  // trained
  fields.expect<std::int32_t>(0);  // inner product
}

void expect_scalar_quantizer(Fields& fields, const IvfShape& shape) {
  constexpr std::int32_t k_fp16 = 4;  // FAISS's QT_fp16
  constexpr std::int32_t k_8bit = 0;  // FAISS's QT_8bit: a lowest value and a range a component
  const bool is_fp16 = shape.codes == VectorCodes::k_f16;
  fields.expect<std::int32_t>(is_fp16 ? k_fp16 : k_8bit);
  fields.expect<std::int32_t>(0);  // how the ranges were found: from minimum to maximum
  fields.expect<std::uint32_t>(0);  // a float: not widened
  fields.expect<std::uint64_t>(static_cast<std::uint64_t>(shape.dimension));
  fields.expect<std::uint64_t>(code_bytes_of(shape));
  fields.expect_array(static_cast<std::uint64_t>(shape.dimension), is_fp16 ? 0 : 2, sizeof(float));
  fields.expect<std::uint64_t>(code_bytes_of(shape));
  fields.expect<std::uint8_t>(1);  // codes of residuals
}

// Every list's size, or, where most are empty, the others' numbers and sizes.
void expect_list_sizes(Fields& fields, const IvfShape& shape) {
  const auto lists = static_cast<std::uint64_t>(shape.lists);
  std::uint64_t left = static_cast<std::uint64_t>(shape.count);
  constexpr std::uint32_t k_full = 0x6c6c7566;    // "full"
  constexpr std::uint32_t k_sparse = 0x73727073;  // "sprs"
  const auto form = fields.take<std::uint32_t>();
  fields.require(form == k_full || form == k_sparse);
  const bool is_full = form == k_full;
  const auto numbers = fields.take<std::uint64_t>();
  fields.require(is_full ? numbers == lists : numbers % 2 == 0 && numbers / 2 <= lists);
  std::uint64_t next_list = 0;
  for (std::uint64_t i = 0; fields.is_sound() && i < numbers; i += is_full ? 1 : 2) {
    if (!is_full) {
      const auto list = fields.take<std::uint64_t>();
      fields.require(next_list <= list && list < lists);
      next_list = list + 1;
    }
    const auto size = fields.take<std::uint64_t>();
    fields.require(size <= left);
    left -= fields.is_sound() ? size : 0;
  }
  fields.require(left == 0);
}

}  // namespace

bool has_ivf_shape(std::span<const std::byte> bytes, const IvfShape& shape) {
  const bool is_possible = shape.dimension > 0 && shape.dimension <= INT32_MAX && shape.count > 0 &&
                           shape.lists > 0;
  if (!is_possible) return false;
  const auto dimension = static_cast<std::uint64_t>(shape.dimension);
  const auto count = static_cast<std::uint64_t>(shape.count);
  const auto lists = static_cast<std::uint64_t>(shape.lists);
  const bool is_quantized = shape.codes != VectorCodes::k_f32;
  Fields fields(bytes);
  fields.expect_kind(is_quantized ? "IwSq" : "IwFl");
  expect_index(fields, shape.dimension, shape.count);
  fields.expect<std::uint64_t>(lists);
  fields.expect<std::uint64_t>(1);  // lists that FAISS itself would search
  fields.expect_kind("IxFI");
  expect_index(fields, shape.dimension, shape.lists);
  fields.expect_array(lists, dimension, sizeof(float));
  fields.expect<std::uint8_t>(0);  // no map from rows to lists, and an empty one
  fields.expect<std::uint64_t>(0);
  if (is_quantized) expect_scalar_quantizer(fields, shape);
  fields.expect_kind("ilar");
  fields.expect<std::uint64_t>(lists);
  fields.expect<std::uint64_t>(code_bytes_of(shape));
  expect_list_sizes(fields, shape);
  const std::uint64_t row_bytes = code_bytes_of(shape) + sizeof(std::int64_t);
  return fields.is_sound() && fields.left() % row_bytes == 0 && fields.left() / row_bytes == count;
}

}  // namespace vecdb
