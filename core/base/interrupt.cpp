#include "base/interrupt.h"

#include <poll.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <initializer_list>

namespace vecdb {

namespace {

std::atomic<int> g_signal = 0;                         // read by all threads
static_assert(std::atomic<int>::is_always_lock_free);  // so that a handler may write it

void on_signal(int signal) { g_signal = signal; }

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  // Writing to a closed pipe, or beyond `ulimit -f`, is an error code, not a death.
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

int pending_interrupt() noexcept { return g_signal; }

bool wait_readable(int fd, const std::stop_token& stop) {
  constexpr int k_look_up_every_ms = 100;
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  while (pending_interrupt() == 0 && !stop.stop_requested()) {
    const int ready = ::poll(&waiting, 1, k_look_up_every_ms);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // read() tells what is wrong
  }
  return false;
}

}  // namespace vecdb
