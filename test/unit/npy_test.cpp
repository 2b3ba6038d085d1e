#include "base/npy.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "base/error.h"

using Catch::Matchers::Contains;
using vecdb::Error;
using vecdb::ErrorKind;
using vecdb::k_most_npy_header;
using vecdb::NpyShape;
using vecdb::parse_npy_header;
using namespace std::string_literals;

namespace {

// A header of this version and text.
std::string header_of(int version, const std::string& text) {
  std::string header = "\x93NUMPY"s + static_cast<char>(version) + '\0';
  for (unsigned i = 0; i < (version == 1 ? 2U : 4U); ++i) {
    header.push_back(static_cast<char>(text.size() >> 8U * i));
  }
  return header + text;
}

std::string text_of(const std::string& shape, const std::string& descr = "<f4",
                    const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

NpyShape parse(const std::string& header, std::uint64_t bytes_of_rows) {
  return parse_npy_header(header, header.size() + bytes_of_rows, "a.npy");
}

// Why a header is refused; empty when it is not.
std::string refusal(const std::string& header, std::uint64_t bytes_of_rows = 24) {
  try {
    parse(header, bytes_of_rows);
    return "";
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_io);
    CHECK_THAT(error.what(), Catch::Matchers::StartsWith("a.npy: "));
    return error.what();
  }
}

}  // namespace

TEST_CASE("A header that is written reads back, whatever its numbers are", "[npy]") {
  for (const std::uint64_t rows : {0ULL, 1ULL, 7ULL, 123456789012ULL}) {
    for (const std::uint64_t columns : {1ULL, 384ULL, 99999ULL}) {
      const std::string header = vecdb::npy_header(rows, columns);
      CHECK(header.size() % 64 == 0);
      CHECK(header.back() == '\n');
      CHECK(parse(header, rows * columns * 4) == NpyShape{rows, columns, header.size()});
    }
  }
}

TEST_CASE("The three versions of the format are read", "[npy]") {
  for (const int version : {1, 2, 3}) {
    const std::string header = header_of(version, text_of("(2, 3)"));
    CHECK(parse(header, 24) == NpyShape{2, 3, header.size()});
  }
  for (const int version : {0, 4, 255}) {
    CHECK_THAT(refusal(header_of(version, text_of("(2, 3)"))), Contains("version"));
  }
}

TEST_CASE("The members of a header may stand in any order and form that Python reads", "[npy]") {
  for (const char* text :
       {"{'shape': (2, 3), 'descr': '<f4', 'fortran_order': False}",
        "{\"fortran_order\":False,\"shape\":(2,3),\"descr\":\"<f4\"}",
        "  { 'descr' : '<f4' ,\t'shape' : ( 2 , 3 , ) , 'fortran_order' : False , } \n"}) {
    CHECK(parse(header_of(1, text), 24).rows == 2);
  }
}

TEST_CASE("A header that is no dictionary of the three members is refused", "[npy]") {
  for (const char* text :
       {"",
        " ",
        "{",
        "{}",
        "}",
        "nothing",
        "{'descr'",
        "{'descr':",
        "{'descr': '<f4",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'shape': (2, 3)}",
        "{'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': '1'}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': false, 'shape': (2, 3)}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} more"}) {
    INFO(text);
    CHECK_THAT(refusal(header_of(1, text)), Contains("its header is not that"));
  }
}

TEST_CASE("An array of other than two dimensions is refused", "[npy]") {
  for (const char* shape : {"()", "(6,)", "(6)", "(1, 2, 3)"}) {
    CHECK_THAT(refusal(header_of(1, text_of(shape))), Contains("dimensions"));
  }
  for (const char* shape :
       {"(2, -3)", "(-2, 3)", "(2.0, 3)", "(2, 0x3)", "(2 3)", "(,2, 3)", "(2,, 3)", "[2, 3]",
        "(2, 3", "2, 3", "(2, 18446744073709551616)", "('2', 3)", "(2, +3)", "(1_0, 3)"}) {
    INFO(shape);
    CHECK_THAT(refusal(header_of(1, text_of(shape))), Contains("its header is not that"));
  }
}

TEST_CASE("An array of other numbers, or in Fortran's order, is refused by name", "[npy]") {
  for (const char* descr : {">f4", "<f8", "<f2", "|u1", "<i4", "=f4", "f4", "<f4 ", "|O"}) {
    CHECK_THAT(refusal(header_of(1, text_of("(2, 3)", descr))), Contains("holds "s + descr));
  }
  CHECK_THAT(refusal(header_of(1, text_of("(2, 3)", "<f4", "True"))), Contains("Fortran"));
}

TEST_CASE("A file that is not exactly as long as its array is refused", "[npy]") {
  const std::string header = header_of(1, text_of("(2, 3)"));
  for (const std::uint64_t bytes : {0U, 1U, 23U, 25U, 28U, 48U}) {
    CHECK_THAT(refusal(header, bytes), Contains("2 × 3"));
  }
  CHECK_THAT(refusal(header_of(1, text_of("(2, 0)")), 0), Contains("2 × 0"));
  CHECK_THAT(refusal(header_of(1, text_of("(0, 0)")), 0), Contains("0 × 0"));
}

TEST_CASE("Numbers whose product overflows are no small array", "[npy]") {
  // Each product, or four times it, is a small number once 64 bits are full.
  for (const char* shape :
       {"(4294967296, 4294967296)", "(4611686018427387904, 1)", "(4611686018427387910, 1)",
        "(2, 9223372036854775809)", "(18446744073709551615, 18446744073709551615)",
        "(4611686018427387903, 1)"}) {
    INFO(shape);
    const std::string header = header_of(1, text_of(shape));
    for (const std::uint64_t bytes : {0U, 4U, 8U, 24U}) {
      CHECK_THAT(refusal(header, bytes), Contains("which is not what an array"));
    }
  }
}

TEST_CASE("A file that ends at any byte of its header is refused", "[npy]") {
  for (const int version : {1, 2, 3}) {
    const std::string header = header_of(version, text_of("(0, 3)"));
    for (std::size_t length = 0; length < header.size(); ++length) {
      INFO(length);
      CHECK(!refusal(header.substr(0, length), 0).empty());
    }
    CHECK(parse(header, 0).rows == 0);
  }
}

TEST_CASE(
    "A header that another byte begins with is refused, and one changed is another or refused",
    "[npy]") {
  const std::string header = header_of(1, text_of("(2, 3)"));
  for (std::size_t at = 0; at < header.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = header;
      changed[at] = static_cast<char>(value);
      const std::string why = refusal(changed);
      if (at < 6 && changed != header) CHECK_THAT(why, Contains("is not a .npy file"));
      if (why.empty()) CHECK(parse(changed, 24) == NpyShape{2, 3, header.size()});
    }
  }
}

TEST_CASE("A header longer than the file, or than 64 KiB, is refused", "[npy]") {
  const std::string text = text_of("(2, 3)");
  std::string header = header_of(1, text);
  header[8] = header[9] = static_cast<char>(0xFF);
  CHECK_THAT(refusal(header), Contains("64 KiB"));
  header = header_of(2, text);
  header[8] = header[9] = header[10] = header[11] = static_cast<char>(0xFF);
  CHECK_THAT(refusal(header), Contains("64 KiB"));
  header = header_of(1, text);
  header[9] = 1;
  CHECK_THAT(refusal(header), Contains("ends inside its header"));
  const std::string most = text + std::string(k_most_npy_header - 12 - text.size(), ' ');
  CHECK(parse(header_of(3, most), 24).data == k_most_npy_header);
  CHECK_THAT(refusal(header_of(3, most + " ")), Contains("64 KiB"));
}
