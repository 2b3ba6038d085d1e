#include "net/part_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <span>

#include "base/error.h"

namespace vecdb {

namespace {

constexpr std::uint64_t k_max_etag = 1024;

std::filesystem::path with_suffix(std::filesystem::path path, const char* suffix) {
  path += suffix;
  return path;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::k_io, path.string() + ": " + what + ": " + last_system_error());
}

}  // namespace

PartFile::PartFile(const std::filesystem::path& target)
    : m_target(target),
      m_path(with_suffix(target, ".part")),
      m_etag_path(with_suffix(target, ".part.etag")),
      m_file(
          ::open(m_path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666)) {
  if (m_file.get() < 0) fail(m_path, "cannot open");
  m_size = stamp_of(m_file, m_path).size;
  std::error_code ignored;
  if (std::filesystem::exists(m_etag_path, ignored)) m_etag = read_file(m_etag_path, k_max_etag);
  if (::lseek(m_file.get(), 0, SEEK_END) < 0) fail(m_path, "cannot seek");
}

void PartFile::restart(const std::string& etag) {
  // Emptied before the name changes: at no moment does the one stand beside the other's bytes.
  if (::ftruncate(m_file.get(), 0) != 0) fail(m_path, "cannot empty");
  if (::lseek(m_file.get(), 0, SEEK_SET) < 0) fail(m_path, "cannot seek");
  m_size = 0;
  std::error_code ignored;
  std::filesystem::remove(m_etag_path, ignored);
  m_etag.clear();
  if (etag.empty() || etag.starts_with("W/") || etag.size() > k_max_etag) return;
  AtomicFile file(m_etag_path);
  file.write(etag);
  file.commit();
  m_etag = etag;
}

void PartFile::append(std::string_view bytes) {
  write_all(m_file, std::as_bytes(std::span(bytes)), m_path);
  m_size += bytes.size();
}

void PartFile::publish() {
  publish_file(std::move(m_file), m_path, m_target);
  std::error_code ignored;  // a name without its part means nothing
  std::filesystem::remove(m_etag_path, ignored);
}

void PartFile::discard() {
  std::error_code ignored;
  std::filesystem::remove(m_path, ignored);
  std::filesystem::remove(m_etag_path, ignored);
  m_file = FileDescriptor();
}

}  // namespace vecdb
