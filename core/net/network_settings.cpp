#include "net/network_settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

namespace vecdb {

namespace {

constexpr long k_longest_timeout = 86'400;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// As huggingface_hub reads its switches.
bool is_true(const std::string& value) {
  std::string upper = value;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return upper == "1" || upper == "ON" || upper == "YES" || upper == "TRUE";
}

std::string token() {
  const std::string value = variable("HF_TOKEN");
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 127; });
  if (!plain) {
    throw Error(ErrorKind::k_usage,
                "HF_TOKEN: holds a space or another character that no token has; set it again");
  }
  return value;
}

std::string endpoint() {
  std::string value = variable("HF_ENDPOINT");
  while (value.ends_with('/')) value.pop_back();
  return value.empty() ? "https://huggingface.co" : value;
}

long timeout() {
  const std::string value = variable("HF_HUB_DOWNLOAD_TIMEOUT");
  if (value.empty()) return TransportSettings().timeout_seconds;
  long seconds = 0;
  const auto end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, seconds);
  if (error != std::errc() || rest != end || seconds < 1 || seconds > k_longest_timeout) {
    throw Error(ErrorKind::k_usage, "HF_HUB_DOWNLOAD_TIMEOUT=" + value +
                                        ": is not a number of seconds from 1 to " +
                                        std::to_string(k_longest_timeout));
  }
  return seconds;
}

}  // namespace

NetworkSettings network_settings_from_environment(const std::string& user_agent) {
  NetworkSettings settings{
      .endpoint = endpoint(), .token = token(), .offline = is_true(variable("HF_HUB_OFFLINE"))};
  settings.transport.user_agent = user_agent;
  settings.transport.timeout_seconds = timeout();
  settings.transport.ca_folder = variable("SSL_CERT_DIR");
  for (const char* name : {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const std::string bundle = variable(name);
    if (bundle.empty()) continue;
    std::error_code ignored;  // one that is not there is libcurl's to complain of
    const bool folder = std::filesystem::is_directory(bundle, ignored);  // as requests allows
    (folder ? settings.transport.ca_folder : settings.transport.ca_file) = bundle;
    break;
  }
  return settings;
}

}  // namespace vecdb
