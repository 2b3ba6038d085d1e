#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"

namespace vecdb {

// The beginning of a file that is being fetched, as TARGET.part, and beside it in TARGET.part.etag
// the name that the server gave to the content. Stays when the object goes, for another time to go
// on from; only publish() and discard() end it. Every failure is an Error of kind k_io.
class PartFile {
 public:
  // Opens what an earlier time left, or begins an empty one.
  explicit PartFile(const std::filesystem::path& target);

  const std::filesystem::path& path() const noexcept { return m_path; }
  std::uint64_t size() const noexcept { return m_size; }
  const std::string& etag() const noexcept { return m_etag; }

  // Begins anew, with nothing, for content of this name. A weak name ("W/…") or none cannot be gone
  // on from: RFC 9110, 13.1.5.
  void restart(const std::string& etag);
  void append(std::string_view bytes);

  // Gives it its final name, durably.
  void publish();
  void discard();

 private:
  std::filesystem::path m_target;
  std::filesystem::path m_path;
  std::filesystem::path m_etag_path;
  FileDescriptor m_file;
  std::uint64_t m_size = 0;
  std::string m_etag;
};

}  // namespace vecdb
