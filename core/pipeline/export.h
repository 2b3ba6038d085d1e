#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "store/store.h"

// Writes what a store holds in forms that other programs read. All functions read one generation,
// write documents in byte order of their uris and chunks in the order of their documents, and
// return false when an interrupt came before the end.
namespace vecdb {

enum class LineVectors { k_none, k_in_lines };

struct ExportOptions {
  const ChunkRanges* among = nullptr;  // the chunks to write; nullptr: all
  LineVectors vectors = LineVectors::k_none;
};

// JSON Lines, see pipeline/exchange_line.h.
bool export_lines(const StoreReader& store, const ExportOptions& options, const ByteSink& sink);

// Two files: `lines` as above without vectors, and `array`, a .npy file of which row i is the vector
// of line i.
bool export_npy(const StoreReader& store, const ExportOptions& options, const ByteSink& lines,
                const ByteSink& array);

// One flat index as faiss::write_index makes it of an IndexIDMap over an IndexFlatIP: row i is the
// vector of line i, its id that of the chunk.
bool export_faiss(const StoreReader& store, const ExportOptions& options, const ByteSink& sink);

}  // namespace vecdb
