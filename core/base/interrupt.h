#pragma once

namespace vecdb {

// SIGINT and SIGTERM only set a flag; long work asks for it between two steps, keeps what is
// committed and returns. A second signal ends the process at once.
void install_signal_handlers();

// The signal that asked to stop, or 0.
int pending_interrupt() noexcept;

}  // namespace vecdb
