#pragma once

#include <stdexcept>
#include <string>

namespace vecdb {

// What went wrong, as far as a caller must tell cases apart. The command line maps each kind to one
// exit code (see cli/main.cpp).
enum class ErrorKind {
  k_usage,    // the caller asked for something that has no meaning
  k_damaged,  // a store is broken, or of a version this program does not read
  k_busy,     // another process holds the store
  k_io,       // input, output, space or memory; also a path that holds no store
  k_model,    // a model is not exactly the model it says it is, or not the store's
  k_network,
};

// The only exception type that leaves a vecdb module. The message is one line of the form
// "WHAT: WHY; WHAT TO DO NEXT" and names the file, flag, tensor or key.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), m_kind(kind) {}
  ErrorKind kind() const noexcept { return m_kind; }

 private:
  ErrorKind m_kind;
};

// "No such file or directory" and the like, for the current value of errno.
std::string last_system_error();

}  // namespace vecdb
