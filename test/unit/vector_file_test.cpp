#include "pipeline/vector_file.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/npy.h"
#include "store/flat_file.h"
#include "temporary_folder.h"

using namespace vecdb;
using Catch::Matchers::Contains;

namespace {

std::string bytes_of(const auto& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof numbers[0]};
}

// Row i holds i·columns, i·columns + 1, …
std::string floats(std::size_t rows, std::size_t columns) {
  std::vector<float> numbers(rows * columns);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  return bytes_of(numbers);
}

std::string npy(std::size_t rows, std::size_t columns) {
  return npy_header(rows, columns) + floats(rows, columns);
}

std::string index(const std::vector<ChunkId>& ids, std::size_t columns) {
  const auto count = static_cast<std::int64_t>(ids.size());
  return flat_header(static_cast<std::int64_t>(columns), count) + floats(ids.size(), columns) +
         flat_count_of_ids(count) + bytes_of(ids);
}

void check_rows(VectorFile& file, std::size_t rows, std::size_t columns) {
  REQUIRE((file.rows() == rows && file.columns() == columns));
  for (std::size_t i = 0; i < rows; ++i) {
    const std::vector<float> row = file.next();
    REQUIRE(row.size() == columns);
    REQUIRE(row.front() == static_cast<float>(i * columns));
    REQUIRE(row.back() == static_cast<float>(i * columns + columns - 1));
  }
}

}  // namespace

TEST_CASE("The rows of a file come one by one, across its blocks", "[vector_file]") {
  const test::TemporaryFolder folder;
  for (const auto& [rows, columns] :
       {std::pair<std::size_t, std::size_t>{0, 3}, {1, 1}, {5, 3}, {1000, 700}, {3, 300000}}) {
    VectorFile array(folder.write("a", npy(rows, columns)));
    check_rows(array, rows, columns);
    if (rows > 0) CHECK(!array.id());
  }
}

TEST_CASE("Ids belong to their rows, in whatever order and however often", "[vector_file]") {
  const test::TemporaryFolder folder;
  std::vector<ChunkId> ids{9, 3, 3, -1, 9223372036854775807, 0};
  for (ChunkId i = 0; i < 3000; ++i) ids.push_back(5000 - i);
  VectorFile file(folder.write("a", index(ids, 300)));
  REQUIRE(file.rows() == ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    REQUIRE(file.next().front() == static_cast<float>(i * 300));
    REQUIRE(file.id() == ids[i]);
  }
}

TEST_CASE("An index whose map has not an id for every row is refused", "[vector_file]") {
  const test::TemporaryFolder folder;
  std::string file = index({1, 2, 3}, 4);
  for (const char count : {'\0', '\2', '\4'}) {
    file[k_flat_header_bytes + 3 * 4 * sizeof(float)] = count;
    CHECK_THROWS_WITH(VectorFile(folder.write("a", file)), Contains("an id for every vector"));
  }
}

TEST_CASE("A file that ends at any byte, or has one more, is refused", "[vector_file]") {
  const test::TemporaryFolder folder;
  for (const std::string& whole : {npy(2, 3), index({1, 2}, 3)}) {
    for (std::size_t length = 0; length <= whole.size() + 1; ++length) {
      if (length == whole.size()) continue;
      INFO(length);
      const std::string file = (whole + "x").substr(0, length);
      CHECK_THROWS_AS(VectorFile(folder.write("a", file)), Error);
    }
  }
}

TEST_CASE("A file that grows shorter while it is read is named", "[vector_file]") {
  const test::TemporaryFolder folder;
  const auto path = folder.write("a", npy(3, 300000));
  VectorFile file(path);
  file.next();
  std::filesystem::resize_file(path, 300000 * sizeof(float) + 200);
  CHECK_THROWS_WITH(file.next(), Contains(path.string()) && Contains("cut short"));
}

TEST_CASE("A vector of more dimensions than any model has takes no memory", "[vector_file]") {
  const test::TemporaryFolder folder;
  const auto path = folder.write("a", npy_header(1, std::uint64_t{1} << 40U));
  std::filesystem::resize_file(path, 128 + (std::uintmax_t{1} << 42U));
  CHECK_THROWS_WITH(VectorFile(path), Contains("a million dimensions"));
}
