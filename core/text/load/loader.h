#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/load/document.h"

namespace vecdb {

// A source that is no document, with the reason in words: "is empty", "is not UTF-8: byte 17", "is
// a FIFO, not a regular file".
struct Skipped {
  std::string uri;
  std::string reason;
};

using Loaded = std::variant<Document, Skipped>;

// Largest source that is read. Text is split in memory.
inline constexpr std::uint64_t k_max_document_bytes = std::uint64_t{1} << 30U;

// Reads a file. Unreadable, empty, binary (a NUL byte) and non-UTF-8 (UTF-16 is named) content is
// Skipped; nothing is decoded by guess.
Loaded load_file(const std::filesystem::path& path);

// The same for bytes that are already in memory.
Loaded load_bytes(std::string uri, std::string bytes);

// Reads a file descriptor to its end, e.g. stdin. Throws k_io.
std::string read_to_end(int fd, const std::string& name);

// What ingest names a file by: absolute and normalised, symbolic links kept.
std::string uri_of(const std::filesystem::path& path);

// The files that a path given by the user stands for, in a deterministic order (byte order of their
// uris): a file for itself; a folder for the regular files below it, without hidden ones (names
// that start with a dot) and without following symbolic links. What cannot be listed, and special
// files or names that are not UTF-8 inside a folder, are put into `skipped`. Throws k_io when the
// path does not exist.
std::vector<std::filesystem::path> list_files(const std::filesystem::path& path,
                                              std::vector<Skipped>& skipped);

}  // namespace vecdb
