#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "options.h"
#include "pipeline/source.h"
#include "pipeline/store_model.h"

namespace vecdb {

// Everything that the paths, --files-from and "-" stand for, in the order given; folders are
// walked. What is inside a folder and is no file to read goes to `skipped`. Throws k_io when a
// named path does not exist, before anything is read, and k_usage when nothing is named or stdin is
// named twice.
std::vector<Source> gather_sources(const InputOptions& options, std::vector<Skipped>& skipped);

// Says on stderr how many chunks are longer than asked for, if any.
void warn_of_lengths(const ChunkLengths& lengths, LengthUnit unit, const GlobalOptions& global);

// The names that are given on the command line and in --files-from. Throws k_io when one does not
// exist, k_usage when nothing is named.
std::vector<std::string> named_inputs(const InputOptions& options);

// Lines of a stream, one at a time, as soon as each is complete: for programs that talk to vecdb
// over a pipe. Without the line end ("\n" or "\r\n").
class LineReader {
 public:
  explicit LineReader(int fd, std::string name) : m_fd(fd), m_name(std::move(name)) {}
  // Nothing at the end. Throws k_io, also for a line over 64 MB. Stops at a pending interrupt.
  std::optional<std::string> next();
  std::size_t number() const noexcept { return m_number; }  // of the last line, from 1

 private:
  int m_fd;
  std::string m_name;
  std::string m_buffer;
  std::size_t m_begin = 0;
  std::size_t m_scanned = 0;
  bool m_ended = false;
  std::size_t m_number = 0;
};

// Throws when the text is not UTF-8; `what` names it. k_usage for an argument, k_io for a stream.
void require_utf8(const std::string& text, const std::string& what, ErrorKind kind);

// What --model, --precision, --threads and --max-memory say, and --dimensions (0: nothing).
ModelChoice model_choice(const GlobalOptions& options, std::size_t dimensions = 0);

// Number of worker threads: --threads, or one for each processor this process may use.
std::size_t worker_threads(const GlobalOptions& options);

}  // namespace vecdb
