#include "model/encoder/native_level.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace vecdb {

namespace {

constexpr std::array<std::string_view, 5> k_levels = {"avx2", "avx512", "avx512vnni", "avx512bf16",
                                                       "amx"};

#if defined(__x86_64__)

// By itself: clang's __builtin_cpu_supports() does not know the name.
bool has_f16c() {
  constexpr unsigned f16c = 1U << 29U;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & f16c) != 0;
}

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool has_avx512vnni() { return __builtin_cpu_supports("avx512vnni"); }

bool has_avx512bf16() { return __builtin_cpu_supports("avx512bf16"); }

bool has_amx() {
  constexpr unsigned tiles = 1U << 24U;
  constexpr unsigned bf16 = 1U << 22U;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & tiles) == 0 || (d & bf16) == 0) return false;
  // The tiles are 8 KiB of state that a process has to ask Linux for.
  constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long tile_data = 18;               // XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

#else

bool has_avx2() { return false; }
bool has_avx512() { return false; }
bool has_avx512vnni() { return false; }
bool has_avx512bf16() { return false; }
bool has_amx() { return false; }

#endif

// How many of the levels may be used.
std::size_t allowed_levels() {
  const char* named = std::getenv("VECDB_MAX_ISA");
  if (named == nullptr || *named == '\0') return k_levels.size();
  const auto found = std::ranges::find(k_levels, std::string_view(named));
  if (found == k_levels.end()) {
    throw Error(ErrorKind::k_usage, "VECDB_MAX_ISA: \"" + std::string(named) +
                                        "\" is not known; say avx2, avx512, avx512vnni, avx512bf16 or amx");
  }
  return static_cast<std::size_t>(found - k_levels.begin()) + 1;
}

}  // namespace

std::optional<std::string> native_level() {
  constexpr std::array<bool (*)(), k_levels.size()> has = {
      has_avx2, has_avx512, has_avx512vnni, has_avx512bf16, has_amx};
  const std::size_t allowed = allowed_levels();
  std::size_t levels = 0;  // each needs those before it
  while (levels < allowed && has[levels]()) ++levels;
  if (levels == 0) return std::nullopt;
  return std::string(k_levels[levels - 1]);
}

}  // namespace vecdb
