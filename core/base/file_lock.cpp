#include "base/file_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"

namespace vecdb {

namespace {

using Clock = std::chrono::steady_clock;
constexpr double k_longest_wait = 1e9;  // seconds: what the clock can add
constexpr auto k_poll = std::chrono::milliseconds(20);
constexpr std::size_t k_max_holder = 200;
constexpr auto k_longest_signing = std::chrono::milliseconds(100);

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& why) {
  throw Error(ErrorKind::k_io, file.string() + ": " + why + ": " + last_system_error());
}

FileDescriptor open_lock(const std::filesystem::path& file) {
  FileDescriptor lock(
      ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666));
  if (lock.get() < 0) fail(file, "cannot open the lock");
  return lock;
}

// "1234 (vecdb ingest docs)". Files of /proc have no size, so this reads what one call gives.
std::string own_name() {
  std::array<char, k_max_holder> line{};
  const FileDescriptor file(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  const ssize_t got = file.get() < 0 ? 0 : ::read(file.get(), line.data(), line.size());
  std::string command(line.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace_if(
      command.begin(), command.end(), [](char c) { return c >= 0 && c < ' '; }, ' ');
  return std::to_string(::getpid()) + " (" + command + ")";
}

// Only for people: a lock without a name is a lock all the same.
void sign(const FileDescriptor& lock) {
  const std::string name = own_name() + "\n";
  if (::ftruncate(lock.get(), 0) != 0) return;
  [[maybe_unused]] const ssize_t put = ::pwrite(lock.get(), name.data(), name.size(), 0);
}

std::string signature(const FileDescriptor& lock) {
  std::array<char, k_max_holder + 32> line{};
  const ssize_t got = ::pread(lock.get(), line.data(), line.size(), 0);
  const std::string text(line.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return text.substr(0, text.find('\n'));
}

bool is_alive(const std::string& signature) {
  pid_t pid = 0;
  std::from_chars(signature.data(), signature.data() + signature.size(), pid);
  return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM);
}

}  // namespace

FileLock::FileLock(std::filesystem::path file)
    : m_path(std::move(file)), m_file(open_lock(m_path)) {}

bool FileLock::try_lock(double seconds) {
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(std::clamp(seconds, 0.0, k_longest_wait)));
  for (;;) {
    if (::flock(m_file.get(), LOCK_EX | LOCK_NB) == 0) {
      if (is_in_place()) break;
      m_file = open_lock(m_path);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) fail(m_path, "cannot lock");
    if (Clock::now() >= deadline || pending_interrupt() != 0) return false;
    std::this_thread::sleep_for(k_poll);
  }
  sign(m_file);
  return true;
}

bool FileLock::is_in_place() const noexcept {
  struct stat ours {};
  struct stat theirs {};
  return ::fstat(m_file.get(), &ours) == 0 && ::stat(m_path.c_str(), &theirs) == 0 &&
         ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

std::string FileLock::holder() const {
  // Whoever has just taken the lock may not have signed yet. A process of another container looks dead
  // from here, but its name stays.
  const auto deadline = Clock::now() + k_longest_signing;
  std::string name = signature(m_file);
  while (!is_alive(name) && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    name = signature(m_file);
  }
  return name.empty() ? "another process" : "process " + name;
}

}  // namespace vecdb
