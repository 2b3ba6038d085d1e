#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "base/error.h"

namespace vecdb {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorKind::k_io, path.string() + ": " + why);
}

// For the current value of errno.
[[noreturn]] void fail_with_errno(const std::filesystem::path& path, const std::string& what) {
  const int code = errno;
  const char* advice = code == ENOENT                     ? "; check the path"
                       : code == EACCES || code == EPERM  ? "; check its permissions"
                       : code == EROFS                    ? "; choose another place"
                       : code == ENOSPC || code == EDQUOT ? "; free some space and try again"
                       : code == EMFILE || code == ENFILE ? "; raise the limit of open files"
                                                          : "";
  fail(path, what + ": " + last_system_error() + advice);
}

struct stat status_of(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) fail_with_errno(path, "cannot read its status");
  return status;
}

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

FileStamp stamp_from(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .mtime_ns = nanoseconds(status.st_mtim),
          .ctime_ns = nanoseconds(status.st_ctim)};
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "is a folder, not a file";
  if (S_ISFIFO(mode)) return "is a FIFO, not a regular file";
  if (S_ISSOCK(mode)) return "is a socket, not a regular file";
  return "is a device, not a regular file";
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (m_fd >= 0) ::close(m_fd);
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    if (m_fd >= 0) ::close(m_fd);
    m_fd = other.release();
  }
  return *this;
}

int FileDescriptor::release() noexcept { return std::exchange(m_fd, -1); }

FileDescriptor open_regular_file(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0 && errno == ENXIO) fail(path, "is a socket or a device, not a regular file");
  if (file.get() < 0) fail_with_errno(path, "cannot open");
  const auto status = status_of(file.get(), path);
  if (!S_ISREG(status.st_mode)) fail(path, kind_of(status.st_mode));
  return file;
}

FileStamp stamp_of(const FileDescriptor& file, const std::filesystem::path& path) {
  return stamp_from(status_of(file.get(), path));
}

FileStamp stamp_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail_with_errno(path, "cannot read its status");
  return stamp_from(status);
}

std::optional<FileStamp> find_stamp(const std::filesystem::path& path) noexcept {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return stamp_from(status);
}

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const FileDescriptor file = open_regular_file(path);
  const std::uint64_t size = stamp_of(file, path).size;
  const auto refuse_size = [&] {
    fail(path,
         "is larger than the limit of " + std::to_string(max_bytes) + " bytes; split it first");
  };
  if (size > max_bytes) refuse_size();
  std::string content;
  content.resize(size + 1);  // one spare byte, so that the end is seen without growing
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_with_errno(path, "cannot read");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > max_bytes) refuse_size();
    if (filled == content.size()) content.resize(filled * 2);
  }
  content.resize(filled);
  return content;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const FileDescriptor file = open_regular_file(path);
  m_stamp = stamp_of(file, path);
  if (m_stamp.size == 0) return;  // mmap refuses an empty range
  void* address = ::mmap(nullptr, m_stamp.size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED && errno == ENOMEM) throw std::bad_alloc();  // not the file's fault
  if (address == MAP_FAILED) fail_with_errno(path, "cannot map");
  m_bytes = {static_cast<const std::byte*>(address), m_stamp.size};
}

MappedFile::~MappedFile() {
  if (!m_bytes.empty()) ::munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : m_bytes(std::exchange(other.m_bytes, {})), m_stamp(other.m_stamp) {}

bool MappedFile::is_unchanged(const std::filesystem::path& path) const {
  return find_stamp(path) == m_stamp;
}

void MappedFile::release_pages() const noexcept {
  if (!m_bytes.empty()) {
    ::madvise(const_cast<std::byte*>(m_bytes.data()), m_bytes.size(), MADV_DONTNEED);
  }
}

void write_all(const FileDescriptor& file, std::span<const std::byte> bytes,
               const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_with_errno(path, "cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void publish_file(FileDescriptor file, const std::filesystem::path& path,
                  const std::filesystem::path& final_path) {
  // A failed fsync is never tried again: the kernel may have dropped the pages already.
  if (::fsync(file.get()) != 0) fail_with_errno(final_path, "cannot sync");
  if (::close(file.release()) != 0) fail_with_errno(final_path, "cannot close");
  if (::rename(path.c_str(), final_path.c_str()) != 0) {
    fail_with_errno(final_path, "cannot rename into place");
  }
  sync_folder(final_path.has_parent_path() ? final_path.parent_path() : std::filesystem::path("."));
}

AtomicFile::AtomicFile(std::filesystem::path final_path) : m_final_path(std::move(final_path)) {
  std::filesystem::path name = m_final_path;
  name += ".tmp-" + std::to_string(::getpid());
  m_file = FileDescriptor(
      ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (m_file.get() < 0) fail_with_errno(m_final_path, "cannot create");
  m_temporary_path = std::move(name);
}

AtomicFile::~AtomicFile() {
  if (!m_temporary_path.empty()) ::unlink(m_temporary_path.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) { write_all(m_file, bytes, m_final_path); }

void AtomicFile::write(std::string_view bytes) { write(std::as_bytes(std::span(bytes))); }

void AtomicFile::commit() {
  publish_file(std::move(m_file), m_temporary_path, m_final_path);
  m_temporary_path.clear();
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail(folder, "cannot be made: " + error.message() + "; check its permissions");
}

void copy_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  const MappedFile source(from);
  AtomicFile copy(to);
  copy.write(source.bytes());
  copy.commit();
}

void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0) {
    fail_with_errno(folder, "cannot sync the folder");
  }
}

}  // namespace vecdb
