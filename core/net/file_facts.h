#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "net/transport.h"

namespace vecdb {

// What a server states of a file's content.
struct FileFacts {
  std::optional<std::uint64_t> size;
  std::string sha256 = {};    // 64 hexadecimal digits, or empty
  std::string git_blob = {};  // see base/git_blob.h, or empty

  bool has_hash() const noexcept { return !sha256.empty() || !git_blob.empty(); }
  // Takes from `other` the size and the hash that are not known here.
  void complete_with(const FileFacts& other);
};

// What the header of the endpoint's own response for a file says: X-Linked-Etag and X-Linked-Size
// of a file that is kept elsewhere, else ETag and the length. An ETag of 40 digits is taken for
// git's name of the content only beside X-Repo-Commit; elsewhere it could be any SHA-1.
FileFacts facts_of(const HttpHead& head);

// A number of bytes in decimal digits; nothing for anything else.
std::optional<std::uint64_t> parse_size(std::string_view text);

// A file that is on disk, whole.
struct FetchedFile {
  std::uint64_t size = 0;
  std::string sha256;
};

// Reads the file and compares it with all that is stated. Nothing when it differs; `why`, when
// given, then tells how. Throws k_io.
std::optional<FetchedFile> check_file(const std::filesystem::path& path, const FileFacts& facts,
                                      std::string* why = nullptr);

}  // namespace vecdb
