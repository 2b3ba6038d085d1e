#include "base/interrupt.h"

#include <atomic>
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
  std::signal(SIGPIPE, SIG_IGN);  // writing to a closed pipe is an error code, not a death
}

int pending_interrupt() noexcept { return g_signal; }

}  // namespace vecdb
