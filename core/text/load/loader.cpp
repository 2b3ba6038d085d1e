#include "text/load/loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/sha256.h"
#include "base/utf8.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

constexpr std::string_view k_utf8_mark = "\xEF\xBB\xBF";
constexpr std::size_t k_read_step = std::size_t{1} << 20U;

// Byte order marks of what is not UTF-8. UTF-32's begins with UTF-16's.
constexpr std::array<std::pair<std::string_view, const char*>, 4> k_other_marks{{
    {"\xFF\xFE\0\0"sv, "UTF-32"},
    {"\0\0\xFE\xFF"sv, "UTF-32"},
    {"\xFF\xFE"sv, "UTF-16"},
    {"\xFE\xFF"sv, "UTF-16"},
}};

std::optional<std::string> reason_to_skip(std::string_view bytes) {
  for (const auto& [mark, name] : k_other_marks) {
    if (bytes.starts_with(mark)) return std::string("is ") + name + ", not UTF-8";
  }
  const std::size_t start = bytes.starts_with(k_utf8_mark) ? k_utf8_mark.size() : 0;
  if (bytes.size() == start) return "is empty";
  if (const auto nul = bytes.find('\0'); nul != std::string_view::npos) {
    return "is binary: NUL at byte " + std::to_string(nul);
  }
  if (const auto offset = find_invalid_utf8(bytes)) {
    return "is not UTF-8: byte " + std::to_string(*offset);
  }
  return std::nullopt;
}

}  // namespace

Loaded load_file(const fs::path& path) {
  const std::string uri = uri_of(path);
  if (find_invalid_utf8(uri)) return skipped(path, "has a name that is not UTF-8");
  try {
    const FileDescriptor file = open_regular_file(path);
    // Taken before the reading: a file that changes meanwhile is seen to have changed next time.
    const FileStamp stamp = stamp_of(file, path);
    Loaded loaded = load_bytes(uri, read_to_end(file.get(), path.string()));
    if (auto* document = std::get_if<Document>(&loaded)) document->stamp = stamp;
    return loaded;
  } catch (const Error& error) {
    return skipped(path, error);
  }
}

Loaded load_bytes(std::string uri, std::string bytes) {
  if (auto reason = reason_to_skip(bytes)) return Skipped{std::move(uri), std::move(*reason)};
  Document document;
  document.uri = std::move(uri);
  document.type = "text";
  document.sha256 = sha256_hex(bytes);
  document.size = bytes.size();
  Section section;
  if (bytes.starts_with(k_utf8_mark)) {
    section.offset = k_utf8_mark.size();
    bytes.erase(0, k_utf8_mark.size());
  }
  section.text = std::move(bytes);
  document.sections.push_back(std::move(section));
  return document;
}

std::string read_to_end(int fd, const std::string& name) {
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorKind::k_io, name + ": " + why);
  };
  const auto refuse_size = [&] {
    fail("is larger than the limit of " + std::to_string(k_max_document_bytes) +
         " bytes; split it into smaller ones");
  };
  struct stat status {};
  if (::fstat(fd, &status) != 0) fail("cannot read its status: " + last_system_error());
  std::string content;
  if (S_ISREG(status.st_mode) && status.st_size > 0) {
    if (static_cast<std::uint64_t>(status.st_size) > k_max_document_bytes) refuse_size();
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
    if (filled > k_max_document_bytes) refuse_size();
    if (got == 0) {
      content.resize(filled);
      return content;
    }
  }
}

}  // namespace vecdb
