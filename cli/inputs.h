#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "options.h"
#include "pipeline/selection.h"
#include "pipeline/source.h"
#include "pipeline/store_model.h"
#include "serve/client.h"

namespace vecdb {

// Says on stderr how many chunks are longer than asked for, if any.
void warn_of_lengths(const ChunkLengths& lengths, LengthUnit unit, const GlobalOptions& global);

// Says on stderr which keys of --filter no document has, if any.
void warn_of_unknown_keys(const std::vector<UnknownKey>& keys, const GlobalOptions& global);

// What ends a line: '\n', of which a '\r' in front is then a part; '\n' alone; or NUL.
enum class LineEnd { k_text, k_newline, k_nul };

// Lines of a stream, one at a time, as soon as each is complete: for programs that talk to vecdb
// over a pipe. Without the line end.
class LineReader {
 public:
  // `begun`: what was read of the stream before.
  LineReader(int fd, std::string name, LineEnd end = LineEnd::k_text, std::stop_token stop = {},
             std::string begun = {})
      : m_fd(fd),
        m_name(std::move(name)),
        m_end(end),
        m_stop(std::move(stop)),
        m_buffer(std::move(begun)) {}
  // Nothing at the end, when an interrupt is pending and when it is asked to stop. Throws k_io,
  // also for a line over 64 MB.
  std::optional<std::string> next();
  std::size_t number() const noexcept { return m_number; }  // of the last line, from 1

 private:
  int m_fd;
  std::string m_name;
  LineEnd m_end;
  std::stop_token m_stop;
  std::string m_buffer;
  std::size_t m_begin = 0;
  std::size_t m_scanned = 0;
  bool m_ended = false;
  std::size_t m_number = 0;
};

struct InputName {
  enum class Origin { k_command_line, k_list };
  std::string text;
  Origin origin = Origin::k_command_line;
  // A lone dash in a list is a file of that name: the list itself may be stdin.
  bool is_stdin() const { return text == "-" && origin == Origin::k_command_line; }
};

// The names on the command line, then those of --files-from, each as soon as the list has it.
class InputNames {
 public:
  // Throws k_io when a name on the command line, or the list, does not exist; k_usage when nothing
  // is named or stdin is named twice. `options` must outlive it. `stop`: see LineReader.
  explicit InputNames(const InputOptions& options, const std::stop_token& stop = {});
  std::optional<InputName> next();

 private:
  const InputOptions& m_options;
  std::size_t m_next_path = 0;
  FileDescriptor m_list_file;
  std::optional<LineReader> m_list;
};

// All of them at a time, a dash in the list as "./-". Throws k_io also when a name in the list does
// not exist.
std::vector<std::string> named_inputs(const InputOptions& options);

// Throws when the text is not UTF-8; `what` names it. k_usage for an argument, k_io for a stream.
void require_utf8(const std::string& text, const std::string& what, ErrorKind kind);

// What --model, --precision, --engine, --threads, --max-memory and --dimensions (0: nothing) say.
ModelChoice model_choice(const GlobalOptions& options, std::size_t dimensions = 0);

// The same, with an encoder that the server of a store lends where there is one and --no-server and
// --max-memory do not forbid it.
ModelChoice model_choice_with_server(const GlobalOptions& options,
                                     const std::filesystem::path& store,
                                     std::size_t dimensions = 0);

// With -v, what a client has to say about the server.
ServerNotice server_notice(const GlobalOptions& options);

// Number of worker threads: --threads, or one for each processor this process may use.
std::size_t worker_threads(const GlobalOptions& options);

}  // namespace vecdb
