#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "store/store.h"

namespace vecdb {

enum class SourceCheck { k_same, k_changed, k_gone, k_unreadable };

struct SourceFinding {
  std::string uri;
  SourceCheck state = SourceCheck::k_changed;
  std::string why;  // where it is unreadable
};

struct SourceCounts {
  std::uint64_t compared = 0;
  std::uint64_t differing = 0;  // changed, gone or unreadable
  std::uint64_t no_files = 0;   // documents that never were a file
  bool interrupted = false;
};

// Compares the files that documents were made of with the SHA-256 that was recorded. Hands on those
// that differ, in order of their uris.
SourceCounts check_sources(const StoreReader& store,
                           const std::function<void(const SourceFinding&)>& on_difference);

}  // namespace vecdb
