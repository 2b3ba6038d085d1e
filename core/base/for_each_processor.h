#pragma once

// Before a function with a loop over numbers: it is compiled once for each generation of
// processors, and the one that fits is taken when the program is loaded. Clang, with which the
// sanitizers' tests are built, knows no `optimize`, and a sanitizer is not there yet when a version is
// chosen.
#if defined(__clang__) || defined(__SANITIZE_THREAD__)
#define VECDB_FOR_EACH_PROCESSOR
#else
#define VECDB_FOR_EACH_PROCESSOR \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), optimize("O3")))
#endif
