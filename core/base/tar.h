#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Archives of regular files in the ustar format (POSIX.1-1988), without anything that differs from
// day to day: no owner, no time. A size of 8 GiB and more stands in GNU's base-256 form.
namespace vecdb {

// What goes before a member's bytes. The name has at most 100 bytes.
std::string tar_header(std::string_view name, std::uint64_t bytes);

// What goes behind them: zeros up to a multiple of 512.
std::string tar_padding(std::uint64_t bytes);

// The end of an archive.
std::string tar_end();

// Whether a file that begins so is an archive; 512 bytes are enough.
bool looks_like_tar(std::string_view begin);

// Reads an archive once, from front to back. Every failure is k_io and names `name`.
class TarReader {
 public:
  // Fills the buffer from its beginning and returns how many bytes it got: fewer only at the end.
  using Read = std::function<std::size_t(std::span<std::byte>)>;
  TarReader(Read read, std::string name);

  struct Member {
    std::string name;
    std::uint64_t bytes = 0;
  };

  // The next regular file; nothing at the end. Passes over what was not read of the one before.
  // Throws for anything but a regular file, a header whose checksum is wrong, an archive that
  // breaks off, and bytes behind its end.
  std::optional<Member> next();

  // The next bytes of the member: as many as the buffer holds, or all that are left of it.
  std::size_t read(std::span<std::byte> buffer);

 private:
  void fill(std::span<std::byte> buffer);
  void finish();
  [[noreturn]] void refuse(const std::string& why) const;

  Read m_read;
  std::string m_name;
  std::uint64_t m_left = 0;     // of the member
  std::uint64_t m_padding = 0;  // behind it
  bool m_ended = false;
};

}  // namespace vecdb
