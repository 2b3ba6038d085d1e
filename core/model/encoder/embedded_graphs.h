#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace vecdb {

// The TorchScript archive that scripts/make_graphs.py wrote under this name when vecdb was built.
// Throws std::out_of_range for a name that it does not know.
std::span<const std::byte> embedded_graph(std::string_view name);

}  // namespace vecdb
