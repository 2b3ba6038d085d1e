#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// What stands at the head of a Markdown file between two lines "---", as Jekyll, Hugo, Pandoc and
// Obsidian write it: a YAML mapping.
struct FrontMatter {
  std::string meta;       // one JSON object on one line
  std::size_t end = 0;    // where the text begins
  std::size_t lines = 0;  // how many lines there are before that
};

// Understands strings, numbers, true and false, null, lists and mappings of these, at most 8
// levels deep. Nothing when there is no front matter, when it is empty, not valid or over 64 KiB,
// or when it holds anything else (anchors, aliases, tags, a key twice): it is then text like any
// other.
std::optional<FrontMatter> read_front_matter(std::string_view text);

}  // namespace vecdb
