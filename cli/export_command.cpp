#include "pipeline/export.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "pipeline/selection.h"
#include "store_path.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr const char* k_lines_file = "chunks.jsonl";
constexpr const char* k_array_file = "vectors.npy";

void refuse_flags(const ExportCommand& command) {
  const auto refuse = [](const std::string& flag, const std::string& why) {
    throw Error(ErrorKind::k_usage, flag + ": " + why);
  };
  if (command.vectors && command.format != ExportFormat::k_jsonl) {
    refuse("--vectors", "has a meaning with --format jsonl only; the other formats have vectors");
  }
  if (command.filter && command.format == ExportFormat::k_tar) {
    refuse("--filter", "has no meaning with --format tar, which is the whole store");
  }
  if (command.output.empty()) refuse("--output", "names nothing; name a file, or - for stdout");
  if (command.output == "-" && command.overwrite == Overwrite::k_allowed) {
    refuse("--force", "is about what --output names; give a file too, or leave it out");
  }
  if (command.output == "-" && command.format == ExportFormat::k_npy) {
    refuse("--format npy", "makes two files; name a folder for them with --output");
  }
  const bool is_text = command.format == ExportFormat::k_jsonl;
  if (command.output == "-" && !is_text && ::isatty(STDOUT_FILENO) == 1) {
    refuse("--output", "is missing: this format is not for a terminal; name a file");
  }
}

[[noreturn]] void refuse_taken(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::k_io, path.string() + ": " + why);
}

void check_output_file(const ExportCommand& command) {
  std::error_code error;
  const fs::path path = command.output;
  const fs::file_status status = fs::symlink_status(path, error);
  if (!fs::exists(status)) return;
  if (!fs::is_regular_file(status)) {
    refuse_taken(path, "is no regular file; name another, or write to stdout");
  }
  if (command.overwrite == Overwrite::k_refuse) {
    refuse_taken(path, "is there already; give --force to replace it");
  }
}

// Gathers small pieces into large ones.
class BufferedSink {
 public:
  explicit BufferedSink(ByteSink sink) : m_sink(std::move(sink)) {}

  void write(std::span<const std::byte> bytes) {
    if (m_buffer.size() + bytes.size() > k_most) flush();
    if (bytes.size() >= k_most) return m_sink(bytes);
    m_buffer.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void flush() {
    if (!m_buffer.empty()) m_sink(std::as_bytes(std::span(m_buffer)));
    m_buffer.clear();
  }
  ByteSink sink() {
    return [this](std::span<const std::byte> bytes) { write(bytes); };
  }

 private:
  static constexpr std::size_t k_most = std::size_t{1} << 18U;
  ByteSink m_sink;
  std::string m_buffer;
};

// A file that appears under its name when all of it is written. Until then it has none where the
// file system allows that, so that a process that is killed leaves nothing of it.
class OutputFile {
 public:
  explicit OutputFile(const ExportCommand& command)
      : m_command(command), m_path(fs::absolute(command.output)) {
    const std::string folder = m_path.parent_path();
    if (::access(k_open_files, F_OK) == 0) {
      m_file = FileDescriptor(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
    }
    if (m_file.get() < 0) m_named.emplace(m_path);
  }

  void write(std::span<const std::byte> bytes) {
    if (m_named) return m_named->write(bytes);
    write_all(m_file, bytes, m_path);
  }

  void commit() {
    check_output_file(m_command);
    if (m_named) return m_named->commit();
    if (::fsync(m_file.get()) != 0) refuse_taken(m_path, "cannot sync: " + last_system_error());
    const std::string unnamed = std::string(k_open_files) + "/" + std::to_string(m_file.get());
    fs::path name = m_path;
    name += ".tmp-" + std::to_string(::getpid());
    if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      refuse_taken(m_path, "cannot be given its name: " + last_system_error());
    }
    publish_file(std::move(m_file), name, m_path);
  }

 private:
  static constexpr const char* k_open_files = "/proc/self/fd";  // what a name can be made for
  const ExportCommand& m_command;
  fs::path m_path;
  FileDescriptor m_file;
  std::optional<AtomicFile> m_named;
};

// Writes to stdout, or to a file that appears when all of it is written: not when `produce` returns
// false.
void write_output(const ExportCommand& command,
                  const std::function<bool(const ByteSink&)>& produce) {
  if (command.output == "-") {
    produce([](std::span<const std::byte> bytes) {
      Output::write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    });
    return;
  }
  OutputFile file(command);
  BufferedSink buffered([&file](std::span<const std::byte> bytes) { file.write(bytes); });
  if (!produce(buffered.sink())) return;
  buffered.flush();
  file.commit();
}

// A folder in the making, beside the one that it becomes; gone unless published.
class OutputFolder {
 public:
  OutputFolder(const ExportCommand& command)
      : m_command(command), m_final(fs::absolute(command.output).lexically_normal()) {
    if (!m_final.has_filename()) m_final = m_final.parent_path();
    m_folder = m_final.string() + ".tmp-" + std::to_string(::getpid());
    check();
    remove_remains();
    std::error_code error;
    if (!fs::create_directory(m_folder, error)) {
      refuse_taken(m_final, "cannot create: " + error.message());
    }
  }
  ~OutputFolder() {
    std::error_code ignored;
    fs::remove_all(m_folder, ignored);  // after publish() what was replaced, if anything
  }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  const fs::path& path() const noexcept { return m_folder; }

  void publish() {
    const unsigned how = check() == State::k_replaced ? RENAME_EXCHANGE : 0;
    sync_folder(m_folder);
    if (::renameat2(AT_FDCWD, m_folder.c_str(), AT_FDCWD, m_final.c_str(), how) != 0) {
      refuse_taken(m_final, "cannot rename into place: " + last_system_error());
    }
    sync_folder(m_final.parent_path());
  }

 private:
  // What exports left that were killed: folders of that name and of such files only.
  void remove_remains() const {
    const std::string begin = m_final.filename().string() + ".tmp-";
    std::vector<fs::path> left;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(m_final.parent_path(), error)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(begin) || entry.is_symlink(error)) continue;
      if (is_of_dead_process(name.substr(begin.size())) && is_of_export(entry.path())) {
        left.push_back(entry.path());
      }
    }
    for (const fs::path& folder : left) fs::remove_all(folder, error);
  }

  static bool is_of_dead_process(const std::string& digits) {
    pid_t process = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), process);
    if (error != std::errc() || end != digits.data() + digits.size() || process <= 0) return false;
    return process == ::getpid() || (::kill(process, 0) != 0 && errno == ESRCH);
  }

  static bool is_of_export(const fs::path& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return false;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(k_lines_file) && !name.starts_with(k_array_file)) return false;
    }
    return !error;
  }

  enum class State { k_absent, k_replaced };

  // Only a folder that such an export made is ever replaced.
  State check() const {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(m_final, error);
    if (!fs::exists(status)) return State::k_absent;
    if (!fs::is_directory(status)) refuse_taken(m_final, "is no folder; name another");
    bool is_empty = true;
    for (const auto& entry : fs::directory_iterator(m_final, error)) {
      is_empty = false;
      const std::string name = entry.path().filename().string();
      if (name != k_lines_file && name != k_array_file) {
        refuse_taken(m_final, "is a folder that holds other files (" + name + "); name another");
      }
    }
    if (error) refuse_taken(m_final, "cannot be read: " + error.message());
    if (is_empty) return State::k_absent;
    if (m_command.overwrite == Overwrite::k_refuse) {
      refuse_taken(m_final, "is there already; give --force to replace it");
    }
    return State::k_replaced;
  }

  const ExportCommand& m_command;
  fs::path m_final;
  fs::path m_folder;
};

void write_npy(const ExportCommand& command, const StoreReader& store,
               const ExportOptions& options) {
  OutputFolder folder(command);
  {
    AtomicFile lines(folder.path() / k_lines_file);
    AtomicFile array(folder.path() / k_array_file);
    BufferedSink line_sink([&](std::span<const std::byte> bytes) { lines.write(bytes); });
    BufferedSink array_sink([&](std::span<const std::byte> bytes) { array.write(bytes); });
    if (!export_npy(store, options, line_sink.sink(), array_sink.sink())) return;
    line_sink.flush();
    array_sink.flush();
    lines.commit();
    array.commit();
  }
  if (pending_interrupt() == 0) folder.publish();
}

// Where the catalogue is copied to: beside the file that is written, which has to have room for it.
fs::path scratch_folder(const ExportCommand& command) {
  if (command.output == "-") return fs::temp_directory_path();
  return fs::absolute(command.output).parent_path();
}

}  // namespace

int run(const ExportCommand& command, const GlobalOptions& global) {
  refuse_flags(command);
  const StoreReader store(existing_store(global));
  if (command.format != ExportFormat::k_npy && command.output != "-") check_output_file(command);
  std::optional<Selection> selection;
  if (command.filter) {
    selection = select_chunks(store, *command.filter);
    warn_of_unknown_keys(selection->unknown_keys, global);
    if (pending_interrupt() != 0) return 0;
  }
  const ExportOptions options{
      .among = selection ? &selection->chunks : nullptr,
      .vectors = command.vectors ? LineVectors::k_in_lines : LineVectors::k_none};
  switch (command.format) {
    case ExportFormat::k_jsonl:
      write_output(command, [&](const auto& sink) { return export_lines(store, options, sink); });
      break;
    case ExportFormat::k_npy:
      write_npy(command, store, options);
      break;
    case ExportFormat::k_faiss:
      write_output(command, [&](const auto& sink) { return export_faiss(store, options, sink); });
      break;
    case ExportFormat::k_tar:
      write_output(command, [&](const auto& sink) {
        return store.write_archive(scratch_folder(command), sink);
      });
      break;
  }
  return 0;
}

}  // namespace vecdb
