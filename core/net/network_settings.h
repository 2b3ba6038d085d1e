#pragma once

#include <string>

#include "net/transport.h"

namespace vecdb {

// How the network is used: what the environment says of it, read in one place. Proxies are not
// here: libcurl reads their variables.
struct NetworkSettings {
  std::string endpoint;  // HF_ENDPOINT, else https://huggingface.co; no slash at the end
  std::string token;     // HF_TOKEN; empty: none. Never in a message
  bool offline = false;  // HF_HUB_OFFLINE
  TransportSettings transport = {};
};

// Reads HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT, CURL_CA_BUNDLE,
// REQUESTS_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR. Throws k_usage for a value without meaning.
NetworkSettings network_settings_from_environment(const std::string& user_agent);

}  // namespace vecdb
