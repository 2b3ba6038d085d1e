#pragma once

#include <filesystem>

// How a store that was made beside another takes its place.
namespace vecdb {

// Removes a folder that holds a store, or what is left of one, and nobody else's files; nothing
// when there is none.
void remove_store(const std::filesystem::path& folder);

// Gives a store the permissions of another one, and its owner as far as that is allowed: what
// nobody else may read stays so.
void copy_rights(const std::filesystem::path& from, const std::filesystem::path& to);

// Lets two stores change places, in one step that a power cut does not divide. Throws k_io where
// the file system cannot do it.
void exchange_stores(const std::filesystem::path& a, const std::filesystem::path& b);

// Lets the store at `made`, on the same file system, take the place of the one at `store`, which is
// kept beside it as NAME.damaged-1, or the first number that is free. Returns that name. At every
// moment one of the two stands at `store`, whole; when this throws, the old one, and `made` is
// gone. Only under the lock of `store`.
std::filesystem::path replace_store(const std::filesystem::path& store,
                                    const std::filesystem::path& made);

// Removes what replace_store() left as NAME.damaged-N when it was killed: stores that never took
// their place. Only under the lock of `store`.
void remove_drafts(const std::filesystem::path& store);

}  // namespace vecdb
