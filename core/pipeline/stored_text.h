#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "store/store.h"

// What a user calls a document or a chunk of a store: its uri or a path that leads to it, and for a
// chunk "#" and its number behind it.
namespace vecdb {

struct StoredName {
  std::string given;
  std::string as_path;  // the same as the uri of a file, see uri_of()
};

// A stored document, or one chunk of it.
struct StoredText {
  std::string uri;
  std::optional<std::uint64_t> chunk;  // its number; nothing: the document
  std::uint64_t chunks = 0;            // how many it has, or 1

  friend bool operator==(const StoredText&, const StoredText&) = default;
};

// A document whose uri looks like a chunk's name goes before the chunk. Nothing when the store holds
// no such text; throws k_damaged when it cannot be told.
std::optional<StoredText> find_stored(const StoreReader& store, const StoredName& name);

// The ids of its chunks. Throws k_io when it is not there any more.
ChunkRange chunks_of(const StoreReader& store, const StoredText& text);

}  // namespace vecdb
