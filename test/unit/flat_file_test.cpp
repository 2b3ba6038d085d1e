#include "store/flat_file.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/rows.h"

using namespace vecdb;
using Catch::Matchers::Contains;

namespace {

constexpr std::int64_t k_rows = 3;
constexpr std::int64_t k_dimension = 2;
const std::vector<float> k_vectors{1, 0, 0, 1, -1, 0.5F};
const std::vector<ChunkId> k_ids{7, 3,
                                 7};  // neither in order nor each once: that is the caller's matter

std::string written(const faiss::Index& index) {
  faiss::VectorIOWriter writer;
  faiss::write_index(&index, &writer);
  return {writer.data.begin(), writer.data.end()};
}

template <typename Flat>
std::string flat() {
  Flat index(k_dimension);
  index.add(k_rows, k_vectors.data());
  return written(index);
}

template <typename Map, typename Flat>
std::string mapped() {
  Flat index(k_dimension);
  Map map(&index);
  map.add_with_ids(k_rows, k_vectors.data(), k_ids.data());
  return written(map);
}

FlatFileShape parse(const std::string& file) {
  return parse_flat_file(file, file.size(), "a.faiss");
}

// Why a file is refused; empty when it is not.
std::string refusal(const std::string& begin, std::uint64_t file_bytes) {
  try {
    parse_flat_file(begin, file_bytes, "a.faiss");
    return "";
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_io);
    CHECK_THAT(error.what(), Catch::Matchers::StartsWith("a.faiss: "));
    return error.what();
  }
}
std::string refusal(const std::string& file) { return refusal(file, file.size()); }

template <typename T>
std::vector<T> numbers(const std::string& file, std::uint64_t at, std::uint64_t count) {
  std::vector<T> found(count);
  REQUIRE(at + count * sizeof(T) <= file.size());
  std::memcpy(found.data(), file.data() + at, count * sizeof(T));
  return found;
}

template <typename T>
std::string with(std::string file, std::size_t at, T value) {
  return file.replace(at, sizeof value, reinterpret_cast<const char*>(&value), sizeof value);
}

// The header of a plain index, whatever it says.
std::string plain_header(std::int32_t dimension, std::int64_t count, std::uint64_t floats) {
  const std::string header = flat<faiss::IndexFlatIP>().substr(0, 45);
  return with(with(with(header, 4, dimension), 8, count), 37, floats);
}

}  // namespace

TEST_CASE("Flat indexes as FAISS writes them are read, with their ids as they stand",
          "[flat_file]") {
  for (const std::string& file : {flat<faiss::IndexFlatIP>(), flat<faiss::IndexFlatL2>()}) {
    const FlatFileShape shape = parse(file);
    CHECK((shape.rows == k_rows && shape.columns == k_dimension && shape.ids == 0));
    CHECK(numbers<float>(file, shape.data, k_vectors.size()) == k_vectors);
  }
  for (const std::string& file : {mapped<faiss::IndexIDMap, faiss::IndexFlatIP>(),
                                  mapped<faiss::IndexIDMap2, faiss::IndexFlatIP>(),
                                  mapped<faiss::IndexIDMap, faiss::IndexFlatL2>()}) {
    const FlatFileShape shape = parse(file);
    CHECK((shape.rows == k_rows && shape.columns == k_dimension));
    CHECK(numbers<float>(file, shape.data, k_vectors.size()) == k_vectors);
    CHECK(numbers<ChunkId>(file, shape.ids, k_ids.size()) == k_ids);
  }
}

TEST_CASE("A header that is written is the one that FAISS writes", "[flat_file]") {
  const std::string file = mapped<faiss::IndexIDMap, faiss::IndexFlatIP>();
  CHECK(flat_header(k_dimension, k_rows) == file.substr(0, k_flat_header_bytes));
  CHECK(flat_file_bytes(k_dimension, k_rows) == static_cast<std::int64_t>(file.size()));
  CHECK(file.substr(k_flat_header_bytes + 24, 8) == flat_count_of_ids(k_rows));
}

TEST_CASE("Other indexes of FAISS are refused by name", "[flat_file]") {
  faiss::IndexFlatL2 quantizer(k_dimension);
  faiss::IndexIVFFlat lists(&quantizer, k_dimension, 1);
  lists.cp.min_points_per_centroid = 1;  // so that FAISS says nothing
  lists.train(k_rows, k_vectors.data());
  lists.add(k_rows, k_vectors.data());
  faiss::IndexFlat other(k_dimension, faiss::METRIC_L1);
  other.add(k_rows, k_vectors.data());
  faiss::IndexFlatIP flat(k_dimension);
  faiss::IndexIDMap inner(&flat);
  faiss::IndexIDMap outer(&inner);
  for (const faiss::Index* index :
       std::initializer_list<const faiss::Index*>{&lists, &other, &outer}) {
    const std::string file = written(*index);
    CHECK(looks_like_faiss(file));
    CHECK_THAT(refusal(file), Contains("is not a flat index of FAISS"));
  }
}

TEST_CASE("A file of another length than its header says is refused", "[flat_file]") {
  for (const std::string& file :
       {flat<faiss::IndexFlatIP>(), mapped<faiss::IndexIDMap, faiss::IndexFlatIP>()}) {
    for (std::size_t length = 0; length < file.size(); ++length) {
      INFO(length);
      CHECK(!refusal(file.substr(0, length)).empty());
    }
    CHECK_THAT(refusal(file + "x"), Contains("bytes, which is not what"));
    CHECK_THAT(refusal(file, std::numeric_limits<std::uint64_t>::max()),
               Contains("bytes, which is not what"));
  }
}

TEST_CASE("A header of which a byte is another is refused, or has the same rows", "[flat_file]") {
  for (const std::string& file :
       {flat<faiss::IndexFlatL2>(), mapped<faiss::IndexIDMap, faiss::IndexFlatIP>()}) {
    const FlatFileShape sound = parse(file);
    for (std::size_t at = 0; at < sound.data; ++at) {
      for (int value = 0; value < 256; ++value) {
        std::string changed = file;
        changed[at] = static_cast<char>(value);
        if (!refusal(changed).empty()) continue;
        INFO(at << " = " << value);
        const FlatFileShape shape = parse(changed);
        CHECK((shape.rows == sound.rows && shape.columns == sound.columns &&
               shape.data == sound.data));
        CHECK(shape.ids == sound.ids);
      }
    }
  }
}

TEST_CASE("Numbers that no file can have are refused, also where their products overflow",
          "[flat_file]") {
  constexpr auto k_most = std::numeric_limits<std::int64_t>::max();
  struct Case {
    std::int32_t dimension;
    std::int64_t count;
  };
  for (const auto& [dimension, count] :
       {Case{2, k_most}, Case{2, std::int64_t{1} << 61U}, Case{2, std::int64_t{1} << 62U},
        Case{1 << 30U, std::int64_t{1} << 34U}, Case{1 << 30U, std::int64_t{1} << 32U},
        Case{1 << 30U, std::int64_t{1} << 30U},
        Case{std::numeric_limits<std::int32_t>::max(), k_most},
        Case{1, (std::int64_t{1} << 62U) + 1}}) {
    INFO(dimension << " × " << count);
    const auto floats = static_cast<std::uint64_t>(dimension) *
                        static_cast<std::uint64_t>(count);  // cut to 64 bits
    const std::string header = plain_header(dimension, count, floats);
    for (const std::uint64_t bytes : {std::uint64_t{45}, std::uint64_t{49}, std::uint64_t{53}}) {
      CHECK(!refusal(header, bytes).empty());
    }
    CHECK(!refusal(flat_header(2, k_rows) + "x", static_cast<std::uint64_t>(-1)).empty());
    // What follows from the numbers, cut to 64 bits, is no length either.
    if (flat_file_bytes(dimension, count) < 0) CHECK(!refusal(header, 45 + 4 * floats).empty());
  }
  for (const auto& [dimension, count] :
       {Case{0, 3}, Case{-2, 3}, Case{2, -3}, Case{-2, -3}, Case{0, 0}}) {
    const auto floats = static_cast<std::uint64_t>(dimension * count);
    CHECK_THAT(refusal(plain_header(dimension, count, floats), 45 + 4 * floats),
               Contains("contradicts itself"));
  }
  CHECK(parse(plain_header(2, 0, 0)).rows == 0);
}

TEST_CASE("An index of a size that is not here is told of", "[flat_file]") {
  constexpr std::int64_t k_many = std::int64_t{1} << 40U;
  const std::int64_t bytes = flat_file_bytes(384, k_many);
  const FlatFileShape shape =
      parse_flat_file(flat_header(384, k_many), to_unsigned(bytes), "a.faiss");
  CHECK((shape.rows == to_unsigned(k_many) && shape.ids == to_unsigned(bytes - 8 * k_many)));
  CHECK(flat_file_bytes(384, std::int64_t{1} << 60U) == -1);
}

TEST_CASE("An index and the map around it have to agree", "[flat_file]") {
  const std::string file = mapped<faiss::IndexIDMap, faiss::IndexFlatIP>();
  CHECK_THAT(refusal(with(file, 4, std::int32_t{3})), Contains("contradicts itself"));
  CHECK_THAT(refusal(with(file, 8, std::int64_t{2})), Contains("contradicts itself"));
  CHECK_THAT(refusal(with(file, 37 + 4, std::int32_t{3})), Contains("contradicts itself"));
  CHECK_THAT(refusal(with(file, 37 + 8, std::int64_t{2})), Contains("contradicts itself"));
  CHECK_THAT(refusal(with(file, 74, std::uint64_t{5})), Contains("contradicts itself"));
  CHECK_THAT(refusal(with(file, 37 + 32, char{0})), Contains("is not a flat index"));
}
