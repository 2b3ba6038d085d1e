#include "base/verified_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <system_error>

#include "base/cache.h"
#include "base/sha256.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

// A file that was changed this recently may change again without its time stamp moving on.
constexpr std::int64_t k_settling_ns = 2'000'000'000;

std::string entry_name(const FileStamp& stamp, const std::string& sha256) {
  std::string key = sha256;
  for (const auto part : {stamp.device, stamp.inode, stamp.size}) key += ' ' + std::to_string(part);
  for (const auto part : {stamp.mtime_ns, stamp.ctime_ns}) key += ' ' + std::to_string(part);
  return sha256_hex(key);
}

bool has_settled(const FileStamp& stamp) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t now_ns = static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  return stamp.ctime_ns < now_ns - k_settling_ns && stamp.mtime_ns < now_ns - k_settling_ns;
}

}  // namespace

bool has_sha256(const MappedFile& file, const std::string& sha256) {
  const fs::path cache = cache_folder();
  const fs::path folder = cache / "verified";
  const fs::path entry = cache.empty() ? fs::path() : folder / entry_name(file.stamp(), sha256);
  std::error_code ignored;  // the cache is an optimisation: without it the file is hashed
  if (!entry.empty() && fs::exists(entry, ignored)) return true;
  if (sha256_hex(file.bytes()) != sha256) return false;
  if (!entry.empty() && has_settled(file.stamp())) {
    fs::create_directories(folder, ignored);
    const FileDescriptor made(::open(entry.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }
  return true;
}

}  // namespace vecdb
