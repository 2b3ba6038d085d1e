#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace vecdb {

// Where the files of a store lie.
struct StoreLayout {
  explicit StoreLayout(const std::filesystem::path& store);

  std::filesystem::path segment(const std::string& name) const { return segments / name; }

  std::filesystem::path folder;
  std::filesystem::path lock;
  std::filesystem::path head;
  std::filesystem::path catalogue;
  std::filesystem::path segments;
  // Only in a store that was made to take the place of another one, until it has done so.
  std::filesystem::path draft_mark;
};

// "000012-0123abcd.faiss": the segment's number and the start of its SHA-256.
std::string segment_name(std::int64_t number, const std::string& sha256);

// "000012-0123abcd.ivf": the same of an index over that segment.
std::string index_name(std::int64_t number, const std::string& sha256);

// Whether a file in segments/ may be called so: a segment, or an index over one.
bool is_segment_name(std::string_view name);

// Throws k_io unless the path is absent, an empty folder, a store, or the start of one.
void refuse_foreign_folder(const StoreLayout& layout);

// Whether the folder is known to lie on another computer, where neither locks nor SQLite's shared
// memory can be relied on.
bool is_on_network(const std::filesystem::path& folder);

// Whether nothing that could be a store's file stands there: no file, or no regular one. False also
// where that cannot be told: a file that may not be opened, or not now, is not a lost one.
bool is_lost(const std::filesystem::path& file);

// Whether there are files named as segments are.
bool has_segments(const StoreLayout& layout);

// Removes what a writer left that was cut short: temporary files, the mark of a draft, segments and
// indexes that `named` does not hold. Touches only names that vecdb itself gives. Returns how many
// files went. Only under the lock, and only when the catalogue was found sound.
std::size_t sweep(const StoreLayout& layout, const std::set<std::string>& named);

}  // namespace vecdb
