#include "pipeline/stored_text.h"

#include <charconv>
#include <vector>

#include "base/error.h"

namespace vecdb {

namespace {

struct ChunkName {
  std::string document;
  std::uint64_t number = 0;
};

// What stands before the last '#' and the number behind it, when that is one.
std::optional<ChunkName> parse_chunk_name(const std::string& name) {
  const auto hash = name.rfind('#');
  if (hash == std::string::npos) return std::nullopt;
  ChunkName parsed{.document = name.substr(0, hash), .number = 0};
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + hash + 1, end, parsed.number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return parsed;
}

}  // namespace

std::optional<StoredText> find_stored(const StoreReader& store, const StoredName& name) {
  std::vector<std::string> missing;
  for (const std::string& uri : {name.given, name.as_path}) {
    if (const auto document = store.find_document(uri)) {
      return StoredText{.uri = uri, .chunk = {}, .chunks = document->chunks};
    }
    missing.push_back(uri);
  }
  for (const std::string& each : {name.given, name.as_path}) {
    const auto chunk = parse_chunk_name(each);
    if (!chunk) continue;
    if (const auto document = store.find_document(chunk->document)) {
      if (chunk->number >= document->chunks) continue;
      return StoredText{.uri = chunk->document, .chunk = chunk->number, .chunks = 1};
    }
    missing.push_back(chunk->document);
  }
  store.require_absent(missing);
  return std::nullopt;
}

ChunkRange chunks_of(const StoreReader& store, const StoredText& text) {
  const auto document = store.find_document(text.uri);
  const std::uint64_t first = text.chunk.value_or(0);
  if (!document || (text.chunk && first >= document->chunks)) {
    throw Error(ErrorKind::k_io,
                text.uri + ": is not in the store any more; `vecdb list` prints what is");
  }
  const ChunkId begin = document->first_chunk + static_cast<ChunkId>(first);
  return {begin, begin + static_cast<ChunkId>(text.chunk ? 1 : document->chunks)};
}

}  // namespace vecdb
