#pragma once

#include "base/json.h"
#include "store/store.h"

namespace vecdb {

// A stored chunk as every command prints it: where it stands, its text, and under "meta" what is
// known of its document and of it alone.
Json json_of(const StoredChunk& chunk);

}  // namespace vecdb
