#include <dlfcn.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "amx_emulator.h"
#include "model/encoder/native_level.h"

using namespace vecdb;
using vecdb::test::AmxEmulator;

namespace {

using Multiply = void (*)(int, const float*, const float*, std::size_t, std::size_t, std::size_t,
                          double*);
enum Number { k_f32, k_bf16, k_int8 };

// A function that was compiled for the level, which this processor has.
template <typename Function = Multiply>
Function function_of(const std::string& level, const char* name) {
  void* module = ::dlopen((VECDB_TEST_MODULES "/libnative_products_" + level + ".so").c_str(),
                          RTLD_NOW | RTLD_LOCAL);
  REQUIRE(module != nullptr);
  const auto function = reinterpret_cast<Function>(::dlsym(module, name));
  REQUIRE(function != nullptr);
  return function;
}

bool is_here(const std::string& level) {
  ::setenv("VECDB_MAX_ISA", level.c_str(), 1);
  const auto found = native_level();
  ::unsetenv("VECDB_MAX_ISA");
  return found == level;
}

struct Shape {
  std::size_t rows;
  std::size_t columns;
  std::size_t depth;
};
constexpr Shape k_shapes[] = {{1, 1, 1},     {1, 33, 3},    {13, 16, 31}, {12, 32, 32},
                              {7, 40, 33},   {33, 64, 100}, {32, 31, 64}, {25, 96, 384},
                              {5, 17, 1536}};

std::vector<float> whole_numbers(std::size_t count, int least, int most, std::minstd_rand& random) {
  std::vector<float> numbers(count);
  for (float& x : numbers) {
    const auto which = random() % 8;  // the ends often
    x = static_cast<float>(which == 0   ? least
                           : which == 1 ? most
                                        : std::uniform_int_distribution(least, most)(random));
  }
  return numbers;
}

// The sums of whole numbers are exact: by_columns[k · columns + n], or [n · depth + k] by rows.
std::vector<double> wanted(const Shape& shape, const std::vector<float>& left,
                           const std::vector<float>& right, bool by_columns) {
  std::vector<double> result(shape.rows * shape.columns);
  for (std::size_t m = 0; m < shape.rows; ++m) {
    for (std::size_t n = 0; n < shape.columns; ++n) {
      double& sum = result[m * shape.columns + n];
      for (std::size_t k = 0; k < shape.depth; ++k) {
        sum += static_cast<double>(left[m * shape.depth + k]) *
               static_cast<double>(right[by_columns ? k * shape.columns + n : n * shape.depth + k]);
      }
    }
  }
  return result;
}

const char* const k_levels[] = {"avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};

// AMX's own instructions are emulated where all others that its module uses are there.
bool can_run(const std::string& level) {
  return is_here(level) || (level == "amx" && is_here("avx512bf16"));
}

class EmulatedLevel {
 public:
  explicit EmulatedLevel(const std::string& level) {
    if (level == "amx" && !is_here(level)) m_emulator.emplace();
  }
  bool has_multiplied() const { return !m_emulator || m_emulator->products() > 0; }

 private:
  std::optional<AmxEmulator> m_emulator;
};

}  // namespace

TEST_CASE("products of floats and bfloat16 put every number in its place at every level") {
  std::minstd_rand random(3);
  for (const char* level : k_levels) {
    if (!can_run(level)) continue;
    const EmulatedLevel emulated(level);
    for (const bool by_columns : {false, true}) {
      const auto multiply =
          function_of(level, by_columns ? "multiply_by_columns" : "multiply_by_rows");
      for (const Number number : {k_f32, k_bf16}) {
        for (const Shape& shape : k_shapes) {
          const auto left = whole_numbers(shape.rows * shape.depth, -9, 9, random);
          const auto right = whole_numbers(shape.columns * shape.depth, -9, 9, random);
          std::vector<double> found(shape.rows * shape.columns);
          multiply(number, left.data(), right.data(), shape.rows, shape.columns, shape.depth,
                   found.data());
          INFO(level << ", " << int(number) << ", depth " << shape.depth);
          REQUIRE(found == wanted(shape, left, right, by_columns));
        }
      }
    }
    CHECK(emulated.has_multiplied());
  }
}

TEST_CASE("products of 8 bits are exact at every level, at the largest numbers too") {
  std::minstd_rand random(4);
  for (const char* level : k_levels) {
    if (!can_run(level)) continue;
    const auto multiply = function_of(level, "multiply_by_rows");
    for (const auto& [least, most] : {std::pair(-127, 127), {127, 127}, {-127, -127}}) {
      for (const Shape& shape : k_shapes) {
        const auto left =
            whole_numbers(shape.rows * shape.depth, least == most ? 255 : 0, 255, random);
        const auto right = whole_numbers(shape.columns * shape.depth, least, most, random);
        std::vector<double> found(shape.rows * shape.columns);
        multiply(k_int8, left.data(), right.data(), shape.rows, shape.columns, shape.depth,
                 found.data());
        INFO(level << ", " << least << ", depth " << shape.depth);
        REQUIRE(found == wanted(shape, left, right, false));
      }
    }
  }
}

TEST_CASE("a Hadamard transform is the product with Sylvester's matrix at every level") {
  std::minstd_rand random(5);
  for (const char* level : k_levels) {
    if (!can_run(level)) continue;
    const auto transform =
        function_of<std::size_t (*)(const float*, std::size_t, float*)>(level, "transform");
    for (const auto& [columns, size] :
         {std::pair<std::size_t, std::size_t>(32, 32), {64, 64}, {96, 32}, {128, 128}, {384, 128}}) {
      const auto row = whole_numbers(columns, -99, 99, random);
      std::vector<float> found(columns);
      REQUIRE(transform(row.data(), columns, found.data()) == size);
      for (std::size_t i = 0; i < columns; ++i) {
        float sum = 0;
        for (std::size_t k = i / size * size; k < i / size * size + size; ++k) {
          sum += std::popcount(i & k % size) % 2 == 0 ? row[k] : -row[k];
        }
        INFO(level << ", " << i << " of " << columns);
        REQUIRE(found[i] == sum);
      }
    }
  }
}

TEST_CASE("a number that stands out of a row costs the others few of their 8 bits") {
  constexpr Shape shape{.rows = 25, .columns = 40, .depth = 384};
  std::minstd_rand random(6);
  std::normal_distribution<float> normal;
  for (const char* level : k_levels) {
    if (!can_run(level)) continue;
    const auto multiply = function_of(level, "multiply_rounded");
    for (const float outlier : {0.0F, 30.0F, -30.0F}) {
      std::vector<float> left(shape.rows * shape.depth);
      std::vector<float> right(shape.columns * shape.depth);
      for (float& x : left) x = normal(random);
      for (float& x : right) x = normal(random);
      for (std::size_t m = 0; m < shape.rows; ++m) left[m * shape.depth + 77] += outlier;
      std::vector<double> found(shape.rows * shape.columns);
      multiply(k_int8, left.data(), right.data(), shape.rows, shape.columns, shape.depth,
               found.data());
      const auto exact = wanted(shape, left, right, false);
      double lost = 0;
      for (std::size_t i = 0; i < exact.size(); ++i) {
        const double error =
            found[i] - exact[i] - static_cast<double>(i % shape.columns);  // the bias
        lost += error * error / static_cast<double>(exact.size());
      }
      INFO(level << ", " << outlier);
      // Of results that are some √384 large. Rounded as they are, rows with an outlier lose 1.5.
      REQUIRE(std::sqrt(lost) < (outlier == 0 ? 0.25 : 0.5));
    }
  }
}
