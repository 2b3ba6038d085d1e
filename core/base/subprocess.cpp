#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"

namespace vecdb {

namespace {

constexpr int k_input_fd = 3;
constexpr std::size_t k_most_errors = 64U << 10U;
constexpr int k_poll_ms = 50;  // how soon an interrupt is seen

[[noreturn]] void fail(const std::string& program, const std::string& what) {
  throw Error(ErrorKind::k_io, program + ": " + what + ": " + last_system_error());
}

// Where PATH leads to; empty for nowhere. Looked up before the fork, after which little is allowed.
std::string find_program(const std::string& name) {
  const char* variable = std::getenv("PATH");
  const std::string path = variable != nullptr ? variable : "/usr/bin:/bin";
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find(':', begin), path.size());
    const std::string candidate = path.substr(begin, end - begin) + "/" + name;
    if (end > begin && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

struct Pipe {
  FileDescriptor out;
  FileDescriptor in;
};

Pipe make_pipe(const std::string& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(program, "cannot make a pipe");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// A file in memory, which is gone when it is closed.
FileDescriptor memory_file(std::string_view content, const std::string& program) {
  FileDescriptor file(::memfd_create("vecdb-input", MFD_CLOEXEC));
  if (file.get() < 0) fail(program, "cannot make a file in memory");
  write_all(file, std::as_bytes(std::span(content)), "a file in memory for " + program);
  return file;
}

// A child process, ended with this object.
class Child {
 public:
  explicit Child(pid_t pid) : m_pid(pid) {}
  ~Child() {
    if (m_pid < 0) return;
    ::kill(m_pid, SIGKILL);
    wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int wait() {
    int status = 0;
    while (::waitpid(m_pid, &status, 0) < 0 && errno == EINTR) {
    }
    m_pid = -1;
    return status;
  }

 private:
  pid_t m_pid;
};

// In the child: only what a signal handler may do, since other threads held who knows what.
[[noreturn]] void become(const char* program, char* const* arguments, char* const* environment,
                         pid_t parent, const std::array<int, 4>& descriptors, rlim_t memory,
                         rlim_t seconds) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it has died before that
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_DFL);
  const rlimit space{memory, memory};
  const rlimit processor{seconds, seconds + 1};
  const rlimit core{0, 0};
  ::setrlimit(RLIMIT_AS, &space);
  ::setrlimit(RLIMIT_CPU, &processor);
  ::setrlimit(RLIMIT_CORE, &core);
  // First out of the way of the numbers they shall have.
  std::array<int, 4> moved{};
  for (std::size_t i = 0; i < moved.size(); ++i) {
    moved[i] = ::fcntl(descriptors[i], F_DUPFD_CLOEXEC, 10);
  }
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (::dup2(moved[i], static_cast<int>(i)) < 0) ::_exit(127);
  }
  ::execve(program, arguments, environment);
  ::_exit(127);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// Appends what there is; false at the end.
bool read_some(const FileDescriptor& file, std::string& text, std::size_t most) {
  std::array<char, 1U << 16U> block;
  const ssize_t got = ::read(file.get(), block.data(), block.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  const auto room = most - std::min(most, text.size());
  text.append(block.data(), std::min(static_cast<std::size_t>(got), room));
  return got > 0;
}

// Reads both streams to their ends, unless something ends it sooner.
SubprocessEnd collect(FileDescriptor out, FileDescriptor errors, const SubprocessLimits& limits,
                      SubprocessResult& result) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(limits.seconds);
  std::array<pollfd, 2> streams{{{out.get(), POLLIN, 0}, {errors.get(), POLLIN, 0}}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    if (pending_interrupt() != 0) return SubprocessEnd::k_interrupted;
    if (std::chrono::steady_clock::now() > deadline) return SubprocessEnd::k_out_of_time;
    if (::poll(streams.data(), streams.size(), k_poll_ms) <= 0) continue;
    if (streams[0].revents != 0 && !read_some(out, result.output, limits.output + 1)) {
      streams[0].fd = -1;
    }
    if (streams[1].revents != 0 && !read_some(errors, result.errors, k_most_errors)) {
      streams[1].fd = -1;
    }
    if (result.output.size() > limits.output) return SubprocessEnd::k_too_much_output;
  }
  return SubprocessEnd::k_exited;
}

}  // namespace

SubprocessResult run_with_file(const std::vector<std::string>& arguments, std::string_view input,
                               const SubprocessLimits& limits) {
  const std::string& name = arguments.front();
  const std::string program = find_program(name);
  if (program.empty()) return {.end = SubprocessEnd::k_not_found};

  std::vector<std::string> settings = {"LC_ALL=C"};
  for (const char* kept : {"PATH", "HOME"}) {
    if (const char* value = std::getenv(kept)) settings.push_back(std::string(kept) + "=" + value);
  }
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> setting_pointers = pointers(settings);
  const FileDescriptor file = memory_file(input, name);
  const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Pipe out = make_pipe(name);
  Pipe errors = make_pipe(name);
  static_assert(k_input_fd == 3);
  const std::array<int, 4> descriptors{nothing.get(), out.in.get(), errors.in.get(), file.get()};
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) fail(name, "cannot start it");
  if (pid == 0) {
    become(program.c_str(), argument_pointers.data(), setting_pointers.data(), parent, descriptors,
           limits.memory, static_cast<rlim_t>(limits.seconds) + 1);
  }
  Child child(pid);
  out.in = FileDescriptor();
  errors.in = FileDescriptor();
  SubprocessResult result;
  result.end = collect(std::move(out.out), std::move(errors.out), limits, result);
  if (result.end != SubprocessEnd::k_exited) return result;
  const int status = child.wait();
  if (!WIFEXITED(status)) {
    result.end =
        WTERMSIG(status) == SIGXCPU ? SubprocessEnd::k_out_of_time : SubprocessEnd::k_killed;
  } else {
    result.status = WEXITSTATUS(status);
    if (result.status == 127) result.end = SubprocessEnd::k_not_found;
  }
  return result;
}

}  // namespace vecdb
