#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include "text/load/document.h"
#include "text/load/file_type.h"
#include "text/load/skipped.h"

namespace vecdb {

using Loaded = std::variant<Document, Skipped>;

// Largest source that is read, unless more is asked for. Text is split in memory.
inline constexpr std::uint64_t k_max_document_bytes = std::uint64_t{256} << 20U;

// What becomes of a row or record that cannot be read.
enum class Malformed { k_skip, k_refuse };

// How a source is read.
struct LoadOptions {
  std::optional<FileType> type;  // nothing: by content and name
  std::string encoding;          // canonical; empty: whatever it is in
  std::string text_field;        // of a table; empty: its own default
  Malformed malformed = Malformed::k_skip;
  std::uint64_t max_bytes = k_max_document_bytes;  // as it comes, and again when decompressed
};

// Reads a file: its text, in sections, with their places in the source and what is known of it.
// What is unreadable, empty, too large, binary, broken or not wholly in its encoding is Skipped; so
// is a file that is written to while it is read, twice. Throws k_io, naming the line, for a
// malformed row where these are refused.
Loaded load_file(const std::filesystem::path& path, const LoadOptions& options = {});

// The same for bytes that are already in memory; the end of `uri` may tell their type.
Loaded load_bytes(std::string uri, std::string bytes, const LoadOptions& options = {});

// Reads a file descriptor to its end, e.g. stdin. Throws k_io, also for more than `max_bytes`, and
// when an interrupt or a stop comes while it waits.
std::string read_to_end(int fd, const std::string& name,
                        std::uint64_t max_bytes = k_max_document_bytes,
                        const std::stop_token& stop = {});

}  // namespace vecdb
