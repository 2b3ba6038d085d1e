#pragma once

#include <stop_token>

namespace vecdb {

// SIGINT and SIGTERM only set a flag; long work asks for it between two steps, keeps what is
// committed and returns. A second signal ends the process at once.
void install_signal_handlers();

// The signal that asked to stop, or 0.
int pending_interrupt() noexcept;

// Waits until a descriptor has bytes to read, or an end. False when it is to be left instead: an
// interrupt is pending, or a stop was requested. read() alone sleeps on when the signal came just
// before it, or to another thread.
bool wait_readable(int fd, const std::stop_token& stop = {});

}  // namespace vecdb
