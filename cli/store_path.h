#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "options.h"
#include "text/load/loader.h"

namespace vecdb {

// The store that a command reads or changes: --store or VECDB_STORE, else the nearest .vecdb in the
// working folder or one above it. Throws k_io when there is none.
std::filesystem::path existing_store(const GlobalOptions& options);

// The same, or nothing when there is none.
std::optional<std::filesystem::path> store_at_hand(const GlobalOptions& options);

// The store that ingest writes to: the same, or .vecdb in the working folder when there is none.
std::filesystem::path store_to_write(const GlobalOptions& options);

// What a user means by the name of a document: its uri as stored, or a path that leads to it.
// Nothing when the store holds neither. `Store` is a StoreReader or a StoreWriter.
template <typename Store>
std::optional<std::string> stored_uri(const Store& store, const std::string& name) {
  for (const auto& uri : {name, uri_of(name)}) {
    if (store.find_document(uri)) return uri;
  }
  return std::nullopt;
}

// To be called before it is said that the store holds neither: see StoreReader::require_absent().
template <typename Store>
void require_absent(const Store& store, const std::string& name) {
  store.require_absent(std::vector<std::string>{name, uri_of(name)});
}

}  // namespace vecdb
