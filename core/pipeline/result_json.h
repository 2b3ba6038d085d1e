#pragma once

#include <cstddef>
#include <string>

#include "pipeline/query.h"

// Results as JSON, each one object on one line: the same wherever they are given out.
namespace vecdb {

// Where a chunk stands, its text, and under "meta" what is known of its document and of it alone.
std::string chunk_json(const StoredChunk& chunk);

// What a question found at a rank, from 1: scores, then chunk_json(), then facts of the document.
std::string hit_json(const std::string& query, std::size_t rank, const Hit& hit);

// What becomes of a chunk of a group of near-duplicates.
enum class Fate { k_kept, k_duplicate };

// A chunk of such a group, from 1, with its cosine to the one that is kept, 1 for that itself; then
// chunk_json().
std::string duplicate_json(std::size_t group, Fate fate, double score, const StoredChunk& chunk);

}  // namespace vecdb
