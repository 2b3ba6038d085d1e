#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// The normaliser's rules in a SentencePiece model (precompiled_charsmap): the size of a trie in
// bytes, 32 bits little-endian; the trie, a double array of 32-bit units as Darts-clone lays it
// out; then the replacements, each ended by a NUL. A key's value is the offset of its replacement.
//
// SentencePiece follows the trie without looking at its bounds and writes what it finds into an
// array of 32. Says what is wrong, or nothing when, for any text, every step stays inside the array
// and every match is a replacement: UTF-8, of a bounded length, at most 32 for one key's prefixes.
std::optional<std::string> find_charsmap_fault(std::string_view charsmap);

// The replacement of the shortest key that `text` begins with, if there is one; it lies in
// `charsmap`, in which find_charsmap_fault must have found nothing.
std::optional<std::string_view> find_replacement(std::string_view charsmap, std::string_view text);

}  // namespace vecdb
