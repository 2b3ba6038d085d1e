#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "net/file_facts.h"
#include "net/http_client.h"
#include "net/model_hub.h"

namespace vecdb {

inline constexpr const char* k_checkout_weights = "model.safetensors";

class CheckoutObserver {
 public:
  virtual ~CheckoutObserver() = default;
  virtual void on_waiting(const std::string& holder) = 0;  // for another process
  virtual void on_progress(const std::string& file, std::uint64_t bytes, std::uint64_t of) = 0;
  virtual void on_file(const std::string& file, const FetchedFile& fetched) = 0;
};

// Fetches into `folder` those files of a repository that a model is made from, where they are not
// there yet, and returns all that are there then. `known` are files whose content is known from an
// earlier time. `weights_sha256`, when given, must be that of the weights. Throws k_network,
// k_model when the repository lacks a file that every model has, k_io when the disk is too small.
std::map<std::string, FetchedFile> fetch_files(HttpClient& client, ModelHub& hub,
                                               const std::filesystem::path& folder,
                                               const std::map<std::string, FetchedFile>& known,
                                               const std::string& weights_sha256,
                                               CheckoutObserver& observer);

}  // namespace vecdb
