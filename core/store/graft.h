#pragma once

#include <filesystem>
#include <string>

namespace vecdb {

// Makes a copy of a damaged catalogue, and of its log, that SQLite opens although the file's first
// page is damaged or its size is another one: that page, which holds the file's header and the
// schema, is the same in every catalogue of the present format but for the number of pages.
// `folder` must be there and empty. Returns the copy's name; what else is damaged in it is as it
// was.
std::filesystem::path graft_catalogue(const std::filesystem::path& catalogue,
                                      const std::filesystem::path& folder);

// The format that the header of a catalogue names; empty when that is no catalogue's.
std::string format_of_catalogue(const std::filesystem::path& catalogue);

}  // namespace vecdb
