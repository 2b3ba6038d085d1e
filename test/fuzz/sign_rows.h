#pragma once

#include "store/sqlite.h"

namespace vecdb::fuzz {

// Makes every checksum of a catalogue fit what its rows say, as if a writer had written that.
void sign_rows(Database& database);

}  // namespace vecdb::fuzz
