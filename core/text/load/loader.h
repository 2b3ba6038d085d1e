#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "text/load/document.h"
#include "text/load/skipped.h"

namespace vecdb {

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

}  // namespace vecdb
