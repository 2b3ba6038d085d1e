#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "net/file_facts.h"

namespace vecdb {

// Which files a whole checkout holds, as FOLDER.json beside its folder.
struct CheckoutRecord {
  std::string source;
  std::map<std::string, FetchedFile> files;
};

void write_record(const std::filesystem::path& path, const CheckoutRecord& record);

// Nothing when there is none. Throws k_io when it cannot be read or is not ours.
std::optional<CheckoutRecord> read_record(const std::filesystem::path& path);

// revisions.json: revision -> the checkout's folder name. Empty when there is none.
std::map<std::string, std::string> read_revisions(const std::filesystem::path& path);
void write_revisions(const std::filesystem::path& path,
                     const std::map<std::string, std::string>& revisions);

}  // namespace vecdb
