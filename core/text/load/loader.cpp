#include "text/load/loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/utf8.h"
#include "text/load/read_document.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t k_read_step = std::size_t{1} << 20U;

// `size` where it is known without reading.
std::string size_reason(std::uint64_t max_bytes, std::optional<std::uint64_t> size = std::nullopt) {
  return "is larger than --max-file-size: " +
         (size ? std::to_string(*size) + " bytes, the limit is " : std::string("the limit is ")) +
         std::to_string(max_bytes) + (size ? "" : " bytes");
}

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
    return skipped(path, error);
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

std::string read_to_end(int fd, const std::string& name, std::uint64_t max_bytes,
                        const std::stop_token& stop) {
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorKind::k_io, name + ": " + why);
  };
  struct stat status {};
  if (::fstat(fd, &status) != 0) fail("cannot read its status: " + last_system_error());
  std::string content;
  const bool is_file = S_ISREG(status.st_mode);
  if (is_file && status.st_size > 0) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_bytes) fail(size_reason(max_bytes, size));
    content.reserve(size + 1);
  }
  for (std::size_t filled = 0;;) {
    // The spare byte lets a file of the expected size show its end without growing the string.
    const std::size_t room = std::max(content.capacity() - filled, std::size_t{1});
    content.resize(filled + std::min(room, k_read_step));
    if (!is_file && !wait_readable(fd, stop)) fail("reading it was interrupted");
    const ssize_t got = ::read(fd, content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) {
      if (pending_interrupt() != 0) fail("reading it was interrupted");
      continue;
    }
    if (got < 0) fail("cannot read: " + last_system_error());
    filled += static_cast<std::size_t>(got);
    if (filled > max_bytes) fail(size_reason(max_bytes));
    if (got == 0) {
      content.resize(filled);
      return content;
    }
  }
}

}  // namespace vecdb
