#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

// The one interface between vecdb and an HTTP library: single exchanges and nothing more. What is
// allowed, followed and tried again is decided above it, in http_client.h.
namespace vecdb {

// A failure that may go away by itself: a lost connection, a stall, a busy server.
class TransientError : public Error {
 public:
  explicit TransientError(const std::string& message, double retry_after_seconds = 0)
      : Error(ErrorKind::k_network, message), m_retry_after_seconds(retry_after_seconds) {}
  // What the server asks to wait; 0: nothing.
  double retry_after_seconds() const noexcept { return m_retry_after_seconds; }

 private:
  double m_retry_after_seconds;
};

// An absolute http or https URL, taken apart by the library that will connect, so that there are no
// two opinions about where it leads.
struct Url {
  std::string text;    // normalised
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 address in brackets
  std::string port;    // always given
  bool has_credentials = false;

  std::string origin() const { return scheme + "://" + host + ":" + port; }
  // For messages: without the query, which may hold a signature. Not for one with credentials.
  std::string shown() const { return text.substr(0, text.find('?')); }
};

struct TransportSettings {
  std::string user_agent;
  long timeout_seconds = 30;  // to connect, and without a byte afterwards
  std::string ca_file;        // certificates to trust; empty: the system's
  std::string ca_folder;
};

enum class HttpMethod { k_get, k_head };
enum class ProxyUse { k_environment, k_none };

struct HttpRequest {
  HttpMethod method = HttpMethod::k_get;
  Url url;
  std::vector<std::string> headers;  // "Name: value"
  ProxyUse proxy = ProxyUse::k_environment;
};

// Status and header fields of a response.
struct HttpHead {
  int status = 0;
  double retry_after_seconds = 0;                           // set at the end of the exchange
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case

  // The first field of this name; empty when there is none.
  std::string field(std::string_view name) const;
};

struct HttpSink {
  // Once, before the first byte of the body; whether the body is wanted.
  std::function<bool(const HttpHead&)> on_head;
  std::function<void(std::string_view)> on_body;
  std::function<bool()> should_stop;  // asked at least every second
};

class Transport {
 public:
  virtual ~Transport() = default;

  // One request and its response; redirects are responses. Exceptions of the sink pass through.
  // Throws TransientError when the connection fails, breaks off or stalls, k_network when it cannot
  // succeed (a certificate, a name that does not exist) or when should_stop() said so.
  virtual HttpHead exchange(const HttpRequest& request, const HttpSink& sink) = 0;

  // `reference` as it stands, or relative to `base`. Nothing when it is no http or https URL.
  virtual std::optional<Url> parse(const std::string& base, const std::string& reference) = 0;

 protected:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
};

// Loads the module that holds libcurl (once a process). Throws k_io when it cannot be loaded.
std::unique_ptr<Transport> make_curl_transport(const TransportSettings& settings);

}  // namespace vecdb
