#pragma once

#include <optional>
#include <string>

#include "model/encoder/encoder.h"

namespace vecdb {

class Embedder;

// What decides the bits of a vector beside the model, the precision and the text: the program, and
// what it takes from the processor and the environment.
struct Arithmetic {
  std::string program;      // which build of vecdb: its file's identity
  std::string level;        // of instruction sets, see native_level.h; empty for none
  std::string environment;  // a hash of the variables of libraries that libtorch computes with

  friend bool operator==(const Arithmetic&, const Arithmetic&) = default;
};

// Throws k_io where the program's own file is gone: another version may have taken its place.
Arithmetic arithmetic_here();

// What a client needs of a server: that it would do exactly as the client does alone.
struct Terms {
  Arithmetic arithmetic;
  Engine engine = Engine::k_auto;
  std::optional<std::string> store;        // the store's own name; nothing: any
  std::optional<std::string> fingerprint;  // of the model; nothing: the store's
  std::optional<std::string> precision;    // nothing: the store's
};

// What a server offers.
struct Offer {
  Arithmetic arithmetic;
  Engine engine = Engine::k_native;       // never k_auto
  Engine auto_engine = Engine::k_native;  // what k_auto means for this model
  std::string fingerprint;
  std::string precision;
};

Offer offer_of(const Embedder& embedder);

// Why the server is of no use to a client, apart from the store; nothing where it is.
std::optional<std::string> objection(const Terms& terms, const Offer& offer);

}  // namespace vecdb
