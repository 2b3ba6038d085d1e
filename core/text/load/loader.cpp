#include "text/load/loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/utf8.h"
#include "text/load/read_document.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t k_read_step = std::size_t{1} << 20U;

// For showing a name that is not UTF-8: its stray bytes as \xHH.
std::string printable(std::string_view name) {
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  std::string out;
  while (const auto offset = find_invalid_utf8(name)) {
    out += name.substr(0, *offset);
    const auto byte = static_cast<unsigned char>(name[*offset]);
    out += {'\\', 'x', k_digits[byte >> 4U], k_digits[byte & 0x0FU]};
    name.remove_prefix(*offset + 1);
  }
  return out += name;
}

std::string size_reason(std::uint64_t max_bytes) {
  return "is larger than the limit of " + std::to_string(max_bytes) +
         " bytes; split it into smaller ones";
}

// The error of a file without the file's name in front.
std::string reason_of(const Error& error, const fs::path& path) {
  const std::string message = error.what();
  const std::string prefix = path.string() + ": ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

std::string reason_of(fs::file_type type) {
  if (type == fs::file_type::fifo) return "is a FIFO, not a regular file";
  if (type == fs::file_type::socket) return "is a socket, not a regular file";
  return "is a device, not a regular file";
}

Skipped skipped(const fs::path& path, std::string reason) {
  return {printable(uri_of(path)), std::move(reason)};
}

class FolderWalk {
 public:
  explicit FolderWalk(const fs::path& root) { m_folders.push_back(root); }

  void run() {
    while (!m_folders.empty()) {
      const fs::path folder = std::move(m_folders.back());
      m_folders.pop_back();
      list(folder);
    }
  }

  std::vector<fs::path> files;
  std::vector<Skipped> skips;

 private:
  void list(const fs::path& folder) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      visit(*entry);
    }
    if (error) skips.push_back(skipped(folder, "cannot be listed: " + error.message()));
  }

  void visit(const fs::directory_entry& entry) {
    const fs::path& path = entry.path();
    const std::string name = path.filename().native();
    if (name.starts_with('.')) return;
    std::error_code error;
    const fs::file_type type = entry.symlink_status(error).type();
    if (type == fs::file_type::symlink || type == fs::file_type::not_found) return;
    if (error) {
      skips.push_back(skipped(path, "cannot read its status: " + error.message()));
    } else if (find_invalid_utf8(name)) {
      skips.push_back(skipped(path, "has a name that is not UTF-8"));
    } else if (type == fs::file_type::directory) {
      m_folders.push_back(path);
    } else if (type == fs::file_type::regular) {
      files.push_back(path);
    } else {
      skips.push_back(skipped(path, reason_of(type)));
    }
  }

  std::vector<fs::path> m_folders;
};

}  // namespace

Loaded load_file(const fs::path& path, const LoadOptions& options) {
  const std::string uri = uri_of(path);
  if (find_invalid_utf8(uri)) return skipped(path, "has a name that is not UTF-8");
  std::string bytes;
  FileStamp stamp;
  try {
    const FileDescriptor file = open_regular_file(path);
    stamp = stamp_of(file, path);
    bytes = read_to_end(file.get(), path.string(), options.max_bytes);
    if (const FileStamp now = stamp_of(file, path); now != stamp) {
      stamp = now;
      if (::lseek(file.get(), 0, SEEK_SET) != 0) return Skipped{uri, "cannot be read again"};
      bytes = read_to_end(file.get(), path.string(), options.max_bytes);
      if (stamp_of(file, path) != stamp) {
        return Skipped{uri, "is written to while it is read; try again later"};
      }
    }
  } catch (const Error& error) {
    return Skipped{uri, reason_of(error, path)};
  }
  Loaded loaded = load_bytes(uri, std::move(bytes), options);
  if (auto* document = std::get_if<Document>(&loaded)) document->stamp = stamp;
  return loaded;
}

Loaded load_bytes(std::string uri, std::string bytes, const LoadOptions& options) {
  Document document;
  document.uri = uri;
  try {
    if (bytes.size() > options.max_bytes)
      throw Error(ErrorKind::k_io, size_reason(options.max_bytes));
    read_document(document, std::move(bytes), options);
  } catch (const Error& error) {
    return Skipped{std::move(uri), error.what()};
  }
  if (options.malformed == Malformed::k_refuse && !document.skipped.empty()) {
    const Skipped& first = document.skipped.front();
    throw Error(ErrorKind::k_io,
                first.uri + ": " + first.reason + "; mend it, or leave out --strict");
  }
  return document;
}

std::string read_to_end(int fd, const std::string& name, std::uint64_t max_bytes) {
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorKind::k_io, name + ": " + why);
  };
  const auto refuse = [&] { fail(size_reason(max_bytes)); };
  struct stat status {};
  if (::fstat(fd, &status) != 0) fail("cannot read its status: " + last_system_error());
  std::string content;
  if (S_ISREG(status.st_mode) && status.st_size > 0) {
    if (static_cast<std::uint64_t>(status.st_size) > max_bytes) refuse();
    content.reserve(static_cast<std::size_t>(status.st_size) + 1);
  }
  for (std::size_t filled = 0;;) {
    // The spare byte lets a file of the expected size show its end without growing the string.
    const std::size_t room = std::max(content.capacity() - filled, std::size_t{1});
    content.resize(filled + std::min(room, k_read_step));
    const ssize_t got = ::read(fd, content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) {
      if (pending_interrupt() != 0) fail("reading it was interrupted");
      continue;
    }
    if (got < 0) fail("cannot read: " + last_system_error());
    filled += static_cast<std::size_t>(got);
    if (filled > max_bytes) refuse();
    if (got == 0) {
      content.resize(filled);
      return content;
    }
  }
}

std::string uri_of(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  if (error) {
    throw Error(ErrorKind::k_io, path.string() + ": cannot make it absolute: " + error.message() +
                                     "; give a path from the root");
  }
  std::string uri = absolute.lexically_normal().string();
  if (uri.size() > 1 && uri.ends_with('/')) uri.pop_back();  // of "folder/" and "."
  return uri;
}

std::vector<fs::path> list_files(const fs::path& path, std::vector<Skipped>& skipped) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::status_known(status) || !fs::exists(status)) {
    throw Error(ErrorKind::k_io, path.string() + ": " + error.message() + "; check the path");
  }
  if (!fs::is_directory(status)) return {path};
  FolderWalk walk(path);
  walk.run();
  // All paths begin with the same folder, so that this is the order of their uris.
  std::sort(walk.files.begin(), walk.files.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  std::sort(walk.skips.begin(), walk.skips.end(),
            [](const Skipped& a, const Skipped& b) { return a.uri < b.uri; });
  skipped.insert(skipped.end(), std::make_move_iterator(walk.skips.begin()),
                 std::make_move_iterator(walk.skips.end()));
  return std::move(walk.files);
}

}  // namespace vecdb
