#include "model/encoder/safetensors.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

using namespace vecdb;
using Catch::Matchers::Contains;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string file;
  for (unsigned i = 0; i < 8; ++i) {
    file.push_back(static_cast<char>(static_cast<std::uint64_t>(header.size()) >> 8 * i & 0xFFU));
  }
  return file + header + data;
}

std::map<std::string, TensorView> parse(std::string_view file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "my.safetensors");
}

void check_refused(const std::string& file, const std::string& why) {
  CAPTURE(why);
  try {
    parse(file);
    FAIL("was taken");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_model);
    CHECK_THAT(error.what(), Contains("my.safetensors: ") && Contains(why));
  }
}

const std::string k_two_header =
    R"({"__metadata__":{"format":"pt"},)"
    R"("b.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[3,11]},)"
    R"("a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}} )";
const std::string k_two = file_of(k_two_header, "abcdefghijk");

TensorView view_of(DType dtype, std::span<const std::byte> bytes) {
  return {dtype, {static_cast<std::int64_t>(bytes.size() / size_of(dtype))}, bytes};
}

// Bits of elements, put at an odd address.
template <typename Bits>
struct Unaligned {
  explicit Unaligned(const std::vector<Bits>& elements)
      : storage(1 + elements.size() * sizeof(Bits)) {
    if (!elements.empty()) {
      std::memcpy(storage.data() + 1, elements.data(), storage.size() - 1);
    }
  }
  std::span<const std::byte> bytes() const { return std::span(storage).subspan(1); }

  std::vector<std::byte> storage;
};

template <typename Bits>
void check_finds(DType dtype, const std::vector<Bits>& finite, const std::vector<Bits>& others) {
  for (const std::size_t size : {1U, 3U, 1023U, 1024U, 1025U, 5000U}) {
    std::vector<Bits> elements(size);
    for (std::size_t i = 0; i < size; ++i) elements[i] = finite[i % finite.size()];
    CHECK(find_non_finite(view_of(dtype, Unaligned(elements).bytes())) == -1);
    for (const Bits bad : others) {
      for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
        CAPTURE(name_of(dtype), size, at);
        auto changed = elements;
        changed[at] = changed[size - 1] = bad;
        CHECK(find_non_finite(view_of(dtype, Unaligned(changed).bytes())) ==
              static_cast<std::int64_t>(at));
      }
    }
  }
}

}  // namespace

TEST_CASE("tensors are read with their dtype, shape and bytes, in any order") {
  const auto tensors = parse(k_two);
  REQUIRE(tensors.size() == 2);
  const TensorView& a = tensors.at("a");
  CHECK(a.dtype == DType::k_i8);
  CHECK(a.shape == std::vector<std::int64_t>{3});
  CHECK(std::memcmp(a.bytes.data(), "abc", a.bytes.size()) == 0);
  const TensorView& b = tensors.at("b.weight");
  CHECK(b.dtype == DType::k_f32);
  CHECK(b.shape == std::vector<std::int64_t>{2, 1});
  CHECK(b.bytes.size() == 8);
  CHECK(b.bytes.data() == reinterpret_cast<const std::byte*>(k_two.data()) + k_two.size() - 8);
}

TEST_CASE("a file may hold no tensor, a scalar, or tensors without elements") {
  CHECK(parse(file_of("{}", "")).empty());
  CHECK(parse(file_of(R"({"__metadata__":{}})", "")).empty());
  CHECK(parse(file_of(R"({"s":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}})", "x"))
            .at("s")
            .shape.empty());
  const auto tensors =
      parse(file_of(R"({"end":{"dtype":"F64","shape":[0],"data_offsets":[2,2]},)"
                    R"("full":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                    R"("start":{"dtype":"F32","shape":[7,0],"data_offsets":[0,0]}})",
                    "xy"));
  CHECK(tensors.at("start").bytes.empty());
  CHECK(tensors.at("end").shape == std::vector<std::int64_t>{0});
  CHECK(tensors.at("full").bytes.size() == 2);
}

TEST_CASE("every dtype has its name and size") {
  const std::vector<std::pair<std::string, std::size_t>> dtypes = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
      {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};
  for (const auto& [name, size] : dtypes) {
    const auto tensors =
        parse(file_of(R"({"t":{"dtype":")" + name + R"(","shape":[3],"data_offsets":[0,)" +
                          std::to_string(3 * size) + "]}}",
                      std::string(3 * size, 'x')));
    CHECK(name_of(tensors.at("t").dtype) == name);
    CHECK(size_of(tensors.at("t").dtype) == size);
  }
}

TEST_CASE("a file cut or extended anywhere is refused") {
  for (std::size_t size = 0; size < k_two.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(parse(std::string_view(k_two).substr(0, size)), Error);
  }
  check_refused("", "it has 0 bytes");
  check_refused(k_two.substr(0, 7), "it has 7 bytes");
  check_refused(k_two.substr(0, k_two.size() - 1), "tensor \"b.weight\": its data [3, 11)");
  check_refused(k_two + "z", "1 bytes at its end belong to no tensor");
  check_refused(file_of("{}", "zz"), "2 bytes at its end belong to no tensor");
}

TEST_CASE("a header's length is believed only up to the file's end and 100 MB") {
  std::string file = file_of("{}", "");
  file[0] = 3;
  check_refused(file, "its header is said to have 3 bytes, the most possible is 2");
  std::fill_n(file.begin(), 8, '\xff');
  check_refused(file, "18446744073709551615 bytes");
  check_refused(file_of("{}" + std::string(100'000'000, ' '), ""),
                "100000002 bytes, the most possible is 100000000");
}

TEST_CASE("a header that is not an object of tensors is refused") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "does not start with '{'"},
      {" {}", "does not start with '{'"},
      {"[]", "does not start with '{'"},
      {"null", "does not start with '{'"},
      {"{} {}", "not valid JSON"},
      {"{", "not valid JSON"},
      {"{\"\xff\":1}", "is not UTF-8"},
      {R"({"a":1,"a":2})", "the key \"a\" stands twice"},
      {R"({"a\nb":1})", R"(tensor "a\nb": not an object of dtype, shape and data_offsets)"},
      {R"({"__metadata__":[]})", "__metadata__ is not an object of strings"},
      {R"({"__metadata__":{"a":1}})", "__metadata__ is not an object of strings"},
      {R"({"__metadata__":{"a":{"b":"c"}}})", "__metadata__ is not an object of strings"},
      {std::string(100, '{'), "not valid JSON"},
  };
  for (const auto& [header, why] : cases) {
    CAPTURE(header);
    check_refused(file_of(header, ""), why);
  }
  std::string deep = R"({"a":)" + std::string(100'000, '[');
  check_refused(file_of(deep, ""), "nested deeper than 64 levels");
}

TEST_CASE("a tensor that is not described exactly is refused by name") {
  // The description of tensor "t" in a file with 8 bytes of data.
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[]", "not an object of"},
      {R"({"dtype":"U8","shape":[8]})", "not an object of"},
      {R"({"dtype":"U8","shape":[8],"offsets":[0,8]})", "not an object of"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1})", "not an object of"},
      {R"({"dtype":8,"shape":[8],"data_offsets":[0,8]})", "its dtype is not a string"},
      {R"({"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]})", "unknown dtype \"F8_E4M3\""},
      {R"({"dtype":"f32","shape":[2],"data_offsets":[0,8]})", "unknown dtype \"f32\""},
      {R"({"dtype":"U8","shape":8,"data_offsets":[0,8]})", "its shape is not an array"},
      {R"({"dtype":"U8","shape":[-8],"data_offsets":[0,8]})", "its shape holds -8"},
      {R"({"dtype":"U8","shape":[8.0],"data_offsets":[0,8]})", "its shape holds 8.0"},
      {R"({"dtype":"U8","shape":["8"],"data_offsets":[0,8]})", "its shape holds \"8\""},
      {R"({"dtype":"U8","shape":[true,8],"data_offsets":[0,8]})", "its shape holds true"},
      {R"({"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,8]})", "its shape holds"},
      {R"({"dtype":"U8","shape":[18446744073709551624],"data_offsets":[0,8]})", "its shape holds"},
      {R"({"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]})", "than 64 bits"},
      {R"({"dtype":"U8","shape":[4294967296,4294967296,8],"data_offsets":[0,8]})", "than 64 bits"},
      {R"({"dtype":"U8","shape":[7],"data_offsets":[0,8]})", "has not the 7 bytes of its shape"},
      {R"({"dtype":"F64","shape":[2],"data_offsets":[0,8]})", "has not the 16 bytes"},
      {R"({"dtype":"F32","shape":[],"data_offsets":[0,8]})", "has not the 4 bytes"},
      {R"({"dtype":"U8","shape":[0],"data_offsets":[0,8]})", "has not the 0 bytes"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":8})", "its data_offsets are not two sizes"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[0]})", "its data_offsets are not two sizes"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8,8]})", "are not two sizes"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[-8,0]})", "are not two sizes"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8.0]})", "are not two sizes"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[8,0]})", "its data [8, 0) is not inside"},
      {R"({"dtype":"U8","shape":[9],"data_offsets":[0,9]})", "its data [0, 9) is not inside"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[18446744073709551608,18446744073709551615]})",
       "is not inside the file's 8 bytes of data"},
      {R"({"dtype":"U8","shape":[7],"data_offsets":[1,8]})", "does not start at 0"},
      {R"({"dtype":"U8","shape":[7],"data_offsets":[0,7]})", "1 bytes at its end"},
  };
  for (const auto& [tensor, why] : cases) {
    CAPTURE(tensor);
    check_refused(file_of(R"({"t":)" + tensor + "}", "12345678"), why);
  }
}

TEST_CASE("data ranges that overlap or leave a gap are refused") {
  const auto two = [](const std::string& first, const std::string& second) {
    return file_of(R"({"p":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                       R"(},"q":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                   "12345678");
  };
  CHECK(parse(two("[4,8]", "[0,4]")).size() == 2);
  check_refused(two("[0,4]", "[3,7]"), "\"q\": its data [3, 7) does not start at 4");
  check_refused(two("[0,4]", "[0,4]"), "\"q\": its data [0, 4) does not start at 4");
  check_refused(two("[4,8]", "[4,8]"), "\"p\": its data [4, 8) does not start at 0");
  // An empty range in the middle of another tensor's data.
  check_refused(file_of(R"({"p":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
                        R"("q":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
                        "12345678"),
                "\"q\": its data [4, 4) does not start at 8");
}

TEST_CASE("a file with changed bytes is read or refused, and never read outside itself") {
  std::size_t refused = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    std::vector<char> file(k_two.begin(), k_two.end());  // its own block, for the address sanitizer
    for (std::size_t flips = 1 + random() % 3; flips > 0; --flips) {
      const bool in_place = random() % 2 == 0;
      char& byte = file[random() % (file.size() - 11)];
      byte = in_place ? static_cast<char>(static_cast<unsigned>(byte) ^ 1U << random() % 8)
                      : "0123456789[]{}\":,-e."[random() % 20];
    }
    try {
      for (const auto& [name, tensor] : parse({file.data(), file.size()})) {
        REQUIRE(tensor.bytes.data() >= reinterpret_cast<const std::byte*>(file.data()));
        REQUIRE(tensor.bytes.size() <= 11);
        find_non_finite(tensor);
      }
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::k_model);
      ++refused;
    }
  }
  CHECK(refused > 10'000);
  CHECK(refused < 20'000);
}

TEST_CASE("the first NaN or infinity is found in every floating type, also unaligned") {
  check_finds<std::uint32_t>(DType::k_f32, {0, 0x80000000, 1, 0x3F800000, 0x7F7FFFFF, 0xFF7FFFFF},
                             {0x7F800000, 0xFF800000, 0x7F800001, 0x7FC00000, 0xFFFFFFFF});
  check_finds<std::uint64_t>(
      DType::k_f64, {0, 1ULL << 63U, 1, 0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF},
      {0x7FF0000000000000, 0xFFF0000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF});
  check_finds<std::uint16_t>(DType::k_f16, {0, 0x8000, 1, 0x3C00, 0x7BFF, 0xFBFF},
                             {0x7C00, 0xFC00, 0x7C01, 0xFFFF});
  check_finds<std::uint16_t>(DType::k_bf16, {0, 0x8000, 1, 0x3F80, 0x7F7F, 0xFF7F, 0x7C00},
                             {0x7F80, 0xFF80, 0x7F81, 0xFFFF});
}

TEST_CASE("integers, and tensors without elements, are finite") {
  const std::vector<std::byte> ones(64, std::byte{0xFF});
  for (const DType dtype :
       {DType::k_i64, DType::k_i32, DType::k_i16, DType::k_i8, DType::k_u8, DType::k_bool}) {
    CHECK(find_non_finite(view_of(dtype, ones)) == -1);
  }
  for (const DType dtype : {DType::k_f64, DType::k_f32, DType::k_f16, DType::k_bf16}) {
    CHECK(find_non_finite(view_of(dtype, ones)) == 0);
    CHECK(find_non_finite(view_of(dtype, {})) == -1);
  }
}
