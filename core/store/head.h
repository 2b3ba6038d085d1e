#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"
#include "store/format.h"

namespace vecdb {

// The HEAD file: the generation that was last made durable, apart from the catalogue, because a
// single flipped bit in SQLite's write-ahead log can drop commits without any sign of damage.
struct Head {
  std::string store;  // 32 random hexadecimal digits, the same as in the catalogue
  std::int64_t generation = 0;
};

// Nothing when there is no such file, or no regular one. Throws k_damaged for anything but a whole
// HEAD of that format.
std::optional<Head> read_head(const std::filesystem::path& file,
                              std::int64_t format = k_store_format);

// The format that a whole HEAD names, of whatever version; empty when there is no whole one.
std::string format_of_head(const std::filesystem::path& file);

// All of the file, of the present format.
std::string head_text(const Head& head);

// Whether the file begins as every version's HEAD does.
bool looks_like_head(const std::filesystem::path& file);

// A new HEAD that waits for its commit(): written before the catalogue's transaction ends, so that
// a full disk is noticed while there is still a way back.
class PendingHead {
 public:
  PendingHead(const std::filesystem::path& file, const Head& head);
  void commit() { m_file.commit(); }

 private:
  AtomicFile m_file;
};

}  // namespace vecdb
