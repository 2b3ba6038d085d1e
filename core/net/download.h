#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "net/file_facts.h"
#include "net/http_client.h"

namespace vecdb {

enum class HashRule { k_any, k_sha256_required };

struct DownloadRequest {
  std::string what;      // for messages: "OWNER/NAME@REVISION: FILE"
  std::string url_path;  // below the endpoint
  std::string commit;    // that the server must be serving; empty: not known
  std::filesystem::path target;
  FileFacts facts;              // as far as they are known before
  std::uint64_t max_bytes = 0;  // a larger file is refused
  HashRule hash_rule = HashRule::k_any;
};

// Hears how many bytes of the file are there.
using OnBytes = std::function<void(std::uint64_t)>;

// Fetches one file. It appears under its target's name only whole and equal to all that the server
// and the request state of it. A part that an earlier time left is gone on from when the server
// says that the content is still the same; transient failures are tried again. Nothing when the
// server has no such file. Throws k_network, k_io; the part stays, unless it is proven wrong.
std::optional<FetchedFile> download(HttpClient& client, const DownloadRequest& request,
                                    const OnBytes& on_bytes);

}  // namespace vecdb
