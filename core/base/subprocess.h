#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vecdb {

struct SubprocessLimits {
  double seconds = 60;                               // by the clock
  std::uint64_t memory = std::uint64_t{1} << 30U;    // bytes of address space
  std::uint64_t output = std::uint64_t{256} << 20U;  // bytes on stdout
};

enum class SubprocessEnd {
  k_exited,
  k_killed,  // by a signal of its own making: a crash, memory
  k_out_of_time,
  k_too_much_output,
  k_interrupted,  // this process was asked to stop
  k_not_found,
};

struct SubprocessResult {
  SubprocessEnd end = SubprocessEnd::k_exited;
  int status = 0;           // when it exited
  std::string output = {};  // stdout, whole only when it exited
  std::string errors = {};  // the first 64 KiB of stderr
};

// What stands for the input among the arguments: a file that can be read from any place.
inline constexpr std::string_view k_input_file = "/dev/fd/3";

// Runs a program, found in PATH, without a shell: `arguments` begin with its name. It sees `input`
// as the file k_input_file, an empty stdin, the locale C and nothing else of the environment but
// PATH and HOME. It does not outlive the call, nor this process. Throws k_io when the system gives
// no process, pipe or memory.
SubprocessResult run_with_file(const std::vector<std::string>& arguments, std::string_view input,
                               const SubprocessLimits& limits);

}  // namespace vecdb
