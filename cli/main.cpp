#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#include "base/error.h"
#include "base/interrupt.h"
#include "commands.h"
#include "console.h"

namespace vecdb {

namespace {

constexpr int k_done = 0;
constexpr int k_out_of_resources = 5;

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::k_usage:
      return 2;
    case ErrorKind::k_damaged:
      return 3;
    case ErrorKind::k_busy:
      return 4;
    case ErrorKind::k_io:
      return k_out_of_resources;
    case ErrorKind::k_model:
      return 6;
    case ErrorKind::k_network:
      return 7;
  }
  return k_out_of_resources;
}

// A mapped file that somebody cuts short while it is read has no other way to say so.
extern "C" void on_bus_error(int) {
  constexpr std::string_view k_message =
      "vecdb: a mapped file: was cut short, or its disk failed, while it was read; "
      "run `vecdb verify`\n";
  const auto ignored = ::write(STDERR_FILENO, k_message.data(), k_message.size());
  static_cast<void>(ignored);
  ::_exit(k_out_of_resources);
}

// Memory that runs out in a static constructor, before main() or while FAISS or libtorch is loaded,
// or in a thread of a library has no other way to say so.
[[noreturn]] void on_terminate() {
  try {
    if (std::current_exception()) std::rethrow_exception(std::current_exception());
  } catch (const std::bad_alloc&) {
    constexpr std::string_view k_message =
        "vecdb: out of memory; close other programs, or give smaller inputs\n";
    const auto ignored = ::write(STDERR_FILENO, k_message.data(), k_message.size());
    static_cast<void>(ignored);
    ::_exit(k_out_of_resources);
  } catch (...) {
  }
  std::abort();
}

// The one place that is called before the libraries' own constructors.
void expect_the_worst() { std::set_terminate(on_terminate); }
[[gnu::section(".preinit_array"), gnu::used]] void (*const k_before_libraries)() =
    expect_the_worst;

int run(const PrintAndExit& command, const GlobalOptions&) {
  Output::write(command.text);
  return k_done;
}

// After an error, which was told of; there is no code left for another one.
void flush_what_was_found() noexcept {
  try {
    Output::flush();
  } catch (...) {
  }
}

int run_command_line(int argc, const char* const* argv) {
  try {
    const Options options = parse_options(argc, argv);
    const int code = std::visit([&](const auto& command) { return run(command, options.global); },
                                options.command);
    Output::flush();
    const int signal = pending_interrupt();
    return signal != 0 ? 128 + signal : code;
  } catch (const ClosedPipe&) {
    return k_done;
  } catch (const Error& error) {
    print_error(error.what());
    return pending_interrupt() != 0 ? 128 + pending_interrupt() : exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    print_error("out of memory; close other programs, or give smaller inputs");
    return k_out_of_resources;
  } catch (const std::exception& error) {
    print_error(std::string("unexpected failure: ") + error.what());
    return k_out_of_resources;
  }
}

}  // namespace

}  // namespace vecdb

int main(int argc, char** argv) {
  vecdb::occupy_closed_descriptors();
  vecdb::install_signal_handlers();
  std::signal(SIGBUS, vecdb::on_bus_error);
  const int code = vecdb::run_command_line(argc, argv);
  vecdb::flush_what_was_found();
  // Stores are closed. Running the destructors of libtorch's thousands of
  // statics would take longer than answering a query.
  ::_exit(code);
}
