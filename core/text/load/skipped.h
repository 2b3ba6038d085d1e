#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace vecdb {

// A source, or a part of one, that is no text to split, with the reason in words: "is empty", "is
// not UTF-8: byte 17", "is a FIFO, not a regular file". A part's uri is URI:LINE.
struct Skipped {
  std::string uri;
  std::string reason;
};

// Of a file or folder. Bytes of its name that are not UTF-8 are shown as \xHH.
Skipped skipped(const std::filesystem::path& path, std::string reason);

// The reason is the error's, without the path in front.
Skipped skipped(const std::filesystem::path& path, const Error& error);

// What an error says, without "WHAT: " in front.
std::string reason_of(const Error& error, const std::string& what);

// How a reader says that bytes are no document: throws k_io with the reason alone.
[[noreturn]] void refuse(const std::string& reason);

// What ingest names a file by: absolute and normalised, symbolic links kept. Throws k_io.
std::string uri_of(const std::filesystem::path& path);

}  // namespace vecdb
