#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

enum class Compression { k_gzip, k_zstd };

// By the first bytes.
std::optional<Compression> guess_compression(std::string_view bytes);

// A name without the ending that says that it is compressed: "a.csv" for "a.csv.gz".
std::string_view without_compression_ending(std::string_view name);

// All members or frames, one after the other. Memory is taken as it is needed, and no more than
// `max_bytes`. Throws k_io with the reason alone when there would be more ("is larger than …
// when decompressed"), when the end is missing, when a checksum is wrong, or when something else
// follows.
std::string decompress(Compression compression, std::string_view bytes, std::uint64_t max_bytes);

}  // namespace vecdb
