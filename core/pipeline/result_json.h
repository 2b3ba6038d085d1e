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

}  // namespace vecdb
