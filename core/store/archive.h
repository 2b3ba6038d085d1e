#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "store/catalogue.h"
#include "store/head.h"
#include "store/store.h"

namespace vecdb {

// One generation of a store, as an archive holds it.
struct ArchiveContent {
  Head head;
  Catalogue& catalogue;  // of that generation
  // In segments/, by name; checked.
  std::vector<std::pair<std::string, std::span<const std::byte>>> files;
};

// Writes HEAD, LOCK, catalog.db and the files, in this order. Copies the catalogue into `scratch`
// first. False when an interrupt came first.
bool write_archive(const ArchiveContent& content, const std::filesystem::path& scratch,
                   const ByteSink& sink);

}  // namespace vecdb
