#pragma once

#include <filesystem>

// How a store that was made beside another takes its place.
namespace vecdb {

// Removes a folder that holds a store, or what is left of one, and nobody else's files; nothing when
// there is none.
void remove_store(const std::filesystem::path& folder);

// Lets two stores change places, in one step that a power cut does not divide. Throws k_io where the
// file system cannot do it.
void exchange_stores(const std::filesystem::path& a, const std::filesystem::path& b);

// Lets the store at `made` take the place of the one at `store`, which is kept beside it as
// NAME.damaged-1, or the first number that is free. Returns that name. At every moment one of the two
// stands at `store`, whole.
std::filesystem::path replace_store(const std::filesystem::path& store,
                                    const std::filesystem::path& made);

}  // namespace vecdb
