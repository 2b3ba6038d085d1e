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

// Throws unless it is there: a name that was mistyped must stop everything, not be passed over.
void require_existing(const std::string& name) {
  std::error_code error;
  const fs::file_status status = fs::status(name, error);
  if (!fs::status_known(status)) {
    throw Error(ErrorKind::k_io, name + ": " + error.message() + "; check the path");
  }
  if (!fs::exists(status)) {
    throw Error(ErrorKind::k_io, name + ": no such file or folder; nothing was read");
  }
}

}  // namespace

InputNames::InputNames(const InputOptions& options, const std::stop_token& stop)
    : m_options(options) {
  if (options.paths.empty() && !options.files_from) {
    throw Error(ErrorKind::k_usage, "PATH: is missing; name files or folders, or - for stdin");
  }
  const auto dashes = std::ranges::count(options.paths, "-");
  if (options.stdin_name != "-" && dashes == 0) {
    throw Error(ErrorKind::k_usage,
                "--name: names what comes from stdin; give - as a path too, or leave it out");
  }
  if (options.name_separator == NameSeparator::k_nul && !options.files_from) {
    throw Error(ErrorKind::k_usage,
                "-0: is about the names in --files-from; give a list too, or leave it out");
  }
  if (dashes + (options.files_from == "-" ? 1 : 0) > 1) {
    throw Error(ErrorKind::k_usage, "-: stdin can be read only once");
  }
  for (const auto& name : options.paths) {
    if (name != "-") require_existing(name);
  }
  if (!options.files_from) return;
  int list = STDIN_FILENO;
  if (*options.files_from != "-") {
    m_list_file = open_regular_file(*options.files_from);
    list = m_list_file.get();
  }
  m_list.emplace(
      list, *options.files_from == "-" ? "stdin" : *options.files_from,
      options.name_separator == NameSeparator::k_nul ? LineEnd::k_nul : LineEnd::k_newline, stop);
}

std::optional<InputName> InputNames::next() {
  if (m_next_path < m_options.paths.size()) return InputName{m_options.paths[m_next_path++]};
  while (m_list) {
    auto name = m_list->next();
    if (!name) return std::nullopt;
    if (!name->empty()) return InputName{std::move(*name), InputName::Origin::k_list};
  }
  return std::nullopt;
}

std::vector<std::string> named_inputs(const InputOptions& options) {
  std::vector<std::string> result;
  for (InputNames names(options); auto name = names.next();) {
    if (!name->is_stdin()) require_existing(name->text);
    result.push_back(name->is_stdin() || name->text != "-" ? std::move(name->text) : "./-");
  }
  return result;
}

void warn_of_lengths(const ChunkLengths& lengths, LengthUnit unit, const GlobalOptions& global) {
  if (lengths.oversize == 0) return;
  print_warning(global, counted(lengths.oversize, "chunk") +
                            " longer than --chunk-size, the longest " +
                            with_thousands(lengths.longest) +
                            (unit == LengthUnit::k_tokens ? " tokens" : " characters") +
                            ": no separator stands inside");
}

void warn_of_unknown_keys(const std::vector<UnknownKey>& keys, const GlobalOptions& global) {
  for (const std::string& warning : warnings_of(keys, "--filter")) print_warning(global, warning);
}

std::optional<std::string> LineReader::next() {
  for (;;) {
    const auto end = m_buffer.find(m_end == LineEnd::k_nul ? '\0' : '\n', m_scanned);
    if (end != std::string::npos || (m_ended && m_begin < m_buffer.size())) {
      const auto stop = end == std::string::npos ? m_buffer.size() : end;
      std::string line = m_buffer.substr(m_begin, stop - m_begin);
      m_begin = m_scanned = std::min(stop + 1, m_buffer.size());
      if (m_end == LineEnd::k_text && line.ends_with('\r')) line.pop_back();
      ++m_number;
      return line;
    }
    if (m_ended || !wait_readable(m_fd, m_stop)) return std::nullopt;
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
          .engine = options.engine,
          .threads = worker_threads(options),
          .max_memory = options.max_memory,
          .dimensions = dimensions,
          .encoder_source = {}};
}

ModelChoice model_choice_with_server(const GlobalOptions& options,
                                     const std::filesystem::path& store, std::size_t dimensions) {
  ModelChoice choice = model_choice(options, dimensions);
  if (options.server == ServerUse::k_auto && !options.max_memory) {
    choice.encoder_source = served_encoder(store, server_notice(options));
  }
  return choice;
}

ServerNotice server_notice(const GlobalOptions& options) {
  if (options.verbosity != Verbosity::k_verbose) return [](const std::string&) {};
  return [](const std::string& notice) { print_error(notice); };
}

std::size_t worker_threads(const GlobalOptions& options) {
  if (options.threads > 0) return options.threads;
  cpu_set_t processors;
  if (::sched_getaffinity(0, sizeof processors, &processors) != 0) return 1;
  return static_cast<std::size_t>(CPU_COUNT(&processors));
}

}  // namespace vecdb
