#pragma once

#include <string>

#include "text/load/loader.h"

namespace vecdb {

// Fills in everything but uri and stamp from the source's bytes. Throws k_io with the reason alone
// when they are no document.
void read_document(Document& document, std::string bytes, const LoadOptions& options);

}  // namespace vecdb
