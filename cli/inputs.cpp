#include "inputs.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/utf8.h"
#include "console.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t k_max_line = 64U << 20U;
constexpr std::uint64_t k_max_list = 1U << 30U;

std::vector<std::string> split_names(const std::string& list, NameSeparator separator) {
  const char end = separator == NameSeparator::k_nul ? '\0' : '\n';
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < list.size();) {
    const auto stop = std::min(list.find(end, begin), list.size());
    if (stop > begin) names.push_back(list.substr(begin, stop - begin));
    begin = stop + 1;
  }
  return names;
}

std::vector<std::string> all_names(const InputOptions& options) {
  std::vector<std::string> names = options.paths;
  if (!options.files_from) return names;
  const std::string list = *options.files_from == "-" ? read_to_end(STDIN_FILENO, "stdin")
                                                      : read_file(*options.files_from, k_max_list);
  for (auto& name : split_names(list, options.name_separator)) {
    // In a list a lone dash is a file of that name: the list itself may be stdin.
    names.push_back(name == "-" ? "./-" : std::move(name));
  }
  return names;
}

void require_existing(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    std::error_code error;
    if (name != "-" && fs::symlink_status(name, error).type() == fs::file_type::not_found) {
      throw Error(ErrorKind::k_io, name + ": no such file or folder; nothing was read");
    }
  }
}

}  // namespace

std::vector<std::string> named_inputs(const InputOptions& options) {
  std::vector<std::string> names = all_names(options);
  if (names.empty() && !options.files_from) {
    throw Error(ErrorKind::k_usage, "PATH: is missing; name files or folders, or - for stdin");
  }
  const auto dashes = std::count(names.begin(), names.end(), "-");
  if (dashes + (options.files_from == "-" ? 1 : 0) > 1) {
    throw Error(ErrorKind::k_usage, "-: stdin can be read only once");
  }
  require_existing(names);
  return names;
}

std::vector<Source> gather_sources(const InputOptions& options, std::vector<Skipped>& skipped) {
  std::vector<Source> sources;
  for (const auto& name : named_inputs(options)) {
    if (name == "-") {
      sources.emplace_back(
          NamedBytes{options.stdin_name, read_to_end(STDIN_FILENO, "stdin"), std::nullopt});
    } else {
      for (auto& path : list_files(name, skipped)) sources.emplace_back(std::move(path));
    }
  }
  return sources;
}

void warn_of_lengths(const ChunkLengths& lengths, LengthUnit unit, const GlobalOptions& global) {
  if (lengths.oversize == 0) return;
  print_warning(global, counted(lengths.oversize, "chunk") +
                            " longer than --chunk-size, the longest " +
                            with_thousands(lengths.longest) +
                            (unit == LengthUnit::k_tokens ? " tokens" : " characters") +
                            ": no separator stands inside");
}

std::optional<std::string> LineReader::next() {
  for (;;) {
    const auto end = m_buffer.find('\n', m_scanned);
    if (end != std::string::npos || (m_ended && m_begin < m_buffer.size())) {
      const auto stop = end == std::string::npos ? m_buffer.size() : end;
      std::string line = m_buffer.substr(m_begin, stop - m_begin);
      m_begin = m_scanned = std::min(stop + 1, m_buffer.size());
      if (line.ends_with('\r')) line.pop_back();
      ++m_number;
      return line;
    }
    if (m_ended || pending_interrupt() != 0) return std::nullopt;
    m_buffer.erase(0, m_begin);
    m_begin = 0;
    m_scanned = m_buffer.size();
    if (m_buffer.size() > k_max_line) {
      throw Error(ErrorKind::k_io,
                  m_name + ": line " + std::to_string(m_number + 1) + " is longer than 64 MB");
    }
    char block[1U << 16U];
    const ssize_t got = ::read(m_fd, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorKind::k_io, m_name + ": cannot read: " + last_system_error());
    m_ended = got == 0;
    m_buffer.append(block, static_cast<std::size_t>(got));
  }
}

void require_utf8(const std::string& text, const std::string& what, ErrorKind kind) {
  if (const auto offset = find_invalid_utf8(text)) {
    throw Error(kind,
                what + ": is not UTF-8: byte " + std::to_string(*offset) + "; convert it first");
  }
}

ModelChoice model_choice(const GlobalOptions& options, std::size_t dimensions) {
  return {.model = options.model,
          .precision = options.precision,
          .default_model = options.default_model,
          .default_precision = options.default_precision,
          .threads = worker_threads(options),
          .max_memory = options.max_memory,
          .dimensions = dimensions};
}

std::size_t worker_threads(const GlobalOptions& options) {
  if (options.threads > 0) return options.threads;
  cpu_set_t processors;
  if (::sched_getaffinity(0, sizeof processors, &processors) != 0) return 1;
  return static_cast<std::size_t>(CPU_COUNT(&processors));
}

}  // namespace vecdb
