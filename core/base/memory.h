#pragma once

#include <cstddef>

namespace vecdb {

// Bytes of memory that this process may still take: what the system has available, less where the
// process's cgroups (version 2, all of them up to the root) or its limit of address space leave
// less. A guess by nature; the largest number when nothing is known.
std::size_t available_memory();

}  // namespace vecdb
