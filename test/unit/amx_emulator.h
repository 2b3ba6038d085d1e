#pragma once

#include <signal.h>

#include <cstddef>

namespace vecdb::test {

// Carries out the instructions of AMX that the native engine uses, on x86-64 processors without them,
// which raise SIGILL: LDTILECFG, TILERELEASE, TILEZERO, TILELOADD, TILESTORED and TDPBF16PS (Intel's
// Software Developer's Manual, volume 2). Tiles are those of TileSession, 16 rows of 64 bytes; whatever
// else is met, also a tile that the thread has not configured, aborts with a message. Sums of whole
// numbers are exact; the last bits of others may be another processor's.
//
// Under AddressSanitizer, what tiles read and write is checked, which it could not do for instructions.
class AmxEmulator {
 public:
  AmxEmulator();
  ~AmxEmulator();
  AmxEmulator(const AmxEmulator&) = delete;
  AmxEmulator& operator=(const AmxEmulator&) = delete;

  // TDPBF16PS so far.
  std::size_t products() const;

 private:
  struct sigaction m_before {};
};

}  // namespace vecdb::test
