#include "pipeline/import.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/npy.h"
#include "base/tar.h"
#include "commands.h"
#include "console.h"
#include "ingest_report.h"
#include "inputs.h"
#include "pipeline/import_chroma.h"
#include "pipeline/import_lines.h"
#include "pipeline/ingest.h"
#include "pipeline/vector_file.h"
#include "store/flat_file.h"
#include "store_path.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

// What is read, from front to back.
class Input {
 public:
  explicit Input(const std::string& name) : m_name(name == "-" ? "stdin" : name) {
    if (name == "-") {
      m_fd = STDIN_FILENO;
      m_uri = "-";
    } else {
      m_file = open_regular_file(name);
      m_fd = m_file.get();
      m_uri = uri_of(name);
    }
  }

  const std::string& name() const noexcept { return m_name; }
  const std::string& uri() const noexcept { return m_uri; }
  bool is_stream() const noexcept { return m_fd == STDIN_FILENO; }

  // The beginning, without taking it: as much as tells what it is.
  ImportFormat format() {
    constexpr std::size_t k_enough = 512;
    while (m_begun.size() < k_enough) {
      const auto first = m_begun.find_first_not_of(" \t\r\n");
      if (first != std::string::npos && m_begun[first] == '{') break;
      char block[k_enough];
      const std::size_t got = read_some(std::as_writable_bytes(std::span(block)));
      if (got == 0) break;
      m_begun.append(block, got);
    }
    const auto first = m_begun.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || m_begun[first] == '{') return ImportFormat::k_jsonl;
    if (looks_like_tar(m_begun)) return ImportFormat::k_tar;
    std::string why = "is neither lines of JSON nor an archive of a store; --format says what it is";
    if (looks_like_npy(m_begun) || looks_like_faiss(m_begun)) {
      why = "holds vectors without texts; name the lines, and this file with --vectors";
    }
    throw Error(ErrorKind::k_io, m_name + ": " + why);
  }

  NextLine lines() {
    m_lines = std::make_unique<LineReader>(m_fd, m_name, LineEnd::k_text, std::stop_token(),
                                           std::exchange(m_begun, {}));
    return [this] { return m_lines->next(); };
  }

  // Fewer bytes only at the end, and when an interrupt is pending.
  std::size_t read(std::span<std::byte> buffer) {
    std::size_t filled = std::min(m_begun.size(), buffer.size());
    std::ranges::copy(std::as_bytes(std::span(m_begun)).first(filled), buffer.begin());
    m_begun.erase(0, filled);
    while (filled < buffer.size()) {
      const std::size_t got = read_some(buffer.subspan(filled));
      if (got == 0) break;
      filled += got;
    }
    return filled;
  }

 private:
  std::size_t read_some(std::span<std::byte> buffer) {
    while (wait_readable(m_fd)) {
      const ssize_t got = ::read(m_fd, buffer.data(), buffer.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) {
        throw Error(ErrorKind::k_io, m_name + ": cannot read: " + last_system_error());
      }
    }
    return 0;
  }

  std::string m_name;
  std::string m_uri;
  FileDescriptor m_file;
  int m_fd = -1;
  std::string m_begun;  // read, and not taken yet
  std::unique_ptr<LineReader> m_lines;
};

void refuse(const std::string& flag, const std::string& why) {
  throw Error(ErrorKind::k_usage, flag + ": " + why);
}

void refuse_flags(const ImportCommand& command) {
  if (!command.chroma.empty()) {
    const char* why = "has no meaning with --chroma";
    if (!command.input.empty()) refuse(command.input, why);
    if (command.format) refuse("--format", why);
    if (!command.vectors.empty()) refuse("--vectors", why);
    if (command.normalize && !command.trust_vectors) {
      refuse("--normalize", "is about Chroma's vectors; give --trust-vectors too");
    }
  } else if (command.input.empty()) {
    refuse("INPUT", "is missing; name what export wrote, or - for stdin");
  } else if (command.collection) {
    refuse("--collection", "has a meaning with --chroma only");
  }
  if (!command.encode) return;
  if (command.trust_vectors) refuse("--trust-vectors", "has no meaning with --encode");
  if (command.normalize) refuse("--normalize", "has no meaning with --encode");
  if (!command.vectors.empty()) refuse("--vectors", "has no meaning with --encode");
}

// An archive is the whole store: nothing else is asked.
void refuse_flags_of_lines(const ImportCommand& command) {
  const auto check = [](bool is_given, const char* flag) {
    if (is_given) refuse(flag, "has no meaning with an archive, which is a whole store");
  };
  check(command.encode, "--encode");
  check(command.trust_vectors, "--trust-vectors");
  check(command.normalize, "--normalize");
  check(!command.vectors.empty(), "--vectors");
}

IngestSummary interrupted() {
  IngestSummary summary;
  summary.interrupted = true;
  return summary;
}

// Of what is encoded here.
IngestOptions text_options(const ImportCommand& command, const GlobalOptions& global) {
  IngestOptions options;
  options.store = store_to_write(global);
  options.model = model_choice(global);
  options.jobs = worker_threads(global);
  options.measures_lengths = false;
  options.wait_seconds = command.wait_seconds;
  return options;
}

// Of what comes with vectors.
ImportOptions vector_options(const ImportCommand& command, const GlobalOptions& global) {
  return {.store = store_to_write(global),
          .model = model_choice(global),
          .trust = command.trust_vectors ? VectorTrust::k_given : VectorTrust::k_stated_only,
          .wait_seconds = command.wait_seconds};
}

VectorLengths lengths_of(const ImportCommand& command) {
  return command.normalize ? VectorLengths::k_normalize : VectorLengths::k_unit_only;
}

IngestSummary import_lines(const ImportCommand& command, const GlobalOptions& global,
                           IngestObserver& observer, Input& input, const std::string& vectors) {
  ExchangeStream lines(input.lines(), input.uri());
  const bool has_vectors = !command.encode && lines.peek() != nullptr &&
                           (!vectors.empty() || lines.peek()->line.vector);
  if (pending_interrupt() != 0) return interrupted();
  if (!has_vectors && vectors.empty()) {
    const char* why = "the lines have no vectors; leave it out";
    if (command.trust_vectors) refuse("--trust-vectors", why);
    if (command.normalize) refuse("--normalize", why);
    LineSources sources(lines,
                        command.encode ? LineSources::Vectors::k_leave_out
                                       : LineSources::Vectors::k_refuse,
                        input.is_stream() ? LineSources::Input::k_stream
                                          : LineSources::Input::k_file);
    return ingest(text_options(command, global), sources, observer);
  }
  std::optional<VectorFile> file;
  if (!vectors.empty()) file.emplace(vectors);
  LineDocuments documents(lines, file ? &*file : nullptr, lengths_of(command));
  return import_documents(vector_options(command, global), documents, observer);
}

IngestSummary import_chroma(const ImportCommand& command, const GlobalOptions& global,
                            IngestObserver& observer) {
  ChromaReader reader(command.chroma, command.collection,
                      command.trust_vectors ? ChromaReader::Vectors::k_read
                                            : ChromaReader::Vectors::k_leave_out);
  if (!command.trust_vectors) {
    ChromaTexts texts(reader);
    return ingest(text_options(command, global), texts, observer);
  }
  ChromaVectors documents(reader, lengths_of(command), observer);
  IngestSummary summary = import_documents(vector_options(command, global), documents, observer);
  summary.skipped += documents.skipped();
  return summary;
}

// Never into a store above the working folder.
fs::path store_to_make(const GlobalOptions& global) {
  return global.store.empty() ? fs::current_path() / ".vecdb" : fs::path(global.store);
}

IngestSummary import_tar(const GlobalOptions& global, Input& input) {
  const fs::path store = store_to_make(global);
  const auto read = [&input](std::span<std::byte> buffer) { return input.read(buffer); };
  if (!import_archive(store, read, input.name())) return interrupted();
  const StoreStats stats = StoreReader(store).stats();
  IngestSummary summary;
  summary.added = stats.documents;
  summary.chunks = stats.chunks;
  summary.fits = stats.fits;
  return summary;
}

// The lines, and the vectors beside them.
struct Parts {
  std::string lines;
  std::string vectors;
};

Parts parts_of(const ImportCommand& command) {
  const bool is_folder = command.input != "-" && fs::is_directory(command.input);
  if (!is_folder) {
    if (command.format == ImportFormat::k_npy) {
      refuse("--format npy", "is a folder, and " + command.input + " is none");
    }
    return {command.input, command.vectors};
  }
  if (command.format && command.format != ImportFormat::k_npy) {
    throw Error(ErrorKind::k_io, command.input + ": is a folder, not a file");
  }
  if (!command.vectors.empty()) refuse("--vectors", "a folder has its own; leave it out");
  const fs::path folder = command.input;
  std::error_code error;
  for (const char* name : {"chunks.jsonl", "vectors.npy"}) {
    if (fs::exists(folder / name, error)) continue;
    const bool is_chroma = fs::exists(folder / "chroma.sqlite3", error);
    throw Error(ErrorKind::k_io,
                command.input + ": is a folder without " + name +
                    (is_chroma ? "; it is one of Chroma's: name it with --chroma"
                               : "; name one that `vecdb export --format npy` wrote, or a file"));
  }
  return {folder / "chunks.jsonl", command.encode ? "" : (folder / "vectors.npy").string()};
}

IngestSummary import_input(const ImportCommand& command, const GlobalOptions& global,
                           IngestObserver& observer) {
  const Parts parts = parts_of(command);
  Input input(parts.lines);
  const ImportFormat format = command.format ? *command.format : input.format();
  if (format != ImportFormat::k_tar) {
    return import_lines(command, global, observer, input, parts.vectors);
  }
  refuse_flags_of_lines(command);
  return import_tar(global, input);
}

}  // namespace

int run(const ImportCommand& command, const GlobalOptions& global) {
  refuse_flags(command);
  IngestReporter reporter(global);
  const IngestSummary summary = command.chroma.empty()
                                    ? import_input(command, global, reporter)
                                    : import_chroma(command, global, reporter);
  reporter.end_progress();
  print_summary(summary, LengthUnit::k_characters, global);
  return summary.skipped > 0 ? 1 : 0;
}

}  // namespace vecdb
