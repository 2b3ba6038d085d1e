#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/network_settings.h"
#include "net/transport.h"

namespace vecdb {

// What came of a request after all its redirects.
struct HttpAnswer {
  // The last response that the endpoint itself gave: it alone may state what a file is, not the
  // server that it sends us to for the bytes.
  HttpHead origin;
  HttpHead last;
  std::string url;  // of the last response, for messages

  bool ok() const noexcept { return last.status >= 200 && last.status < 300; }
};

// Requests to one endpoint, under vecdb's rules: HTTPS only, also after redirects (plain HTTP for
// an endpoint on this machine's loopback, and from there to loopback only); at most ten redirects;
// the token goes to the endpoint's own host and port, never further. A pending signal ends a
// request with k_network.
class HttpClient {
 public:
  // Loads the HTTP library. Throws k_usage for an endpoint that is not allowed.
  explicit HttpClient(const NetworkSettings& settings);

  using OnAnswer = std::function<void(const HttpAnswer&)>;
  using OnBody = std::function<void(std::string_view)>;

  // `path` follows the endpoint, with a slash first, percent-encoded. The callbacks hear of a 2xx
  // response only; their exceptions pass through. Throws TransientError (also for a status that
  // says so: 408, 429, 500, 502, 503, 504) or k_network; other statuses are answers.
  HttpAnswer get(const std::string& path, const std::vector<std::string>& headers,
                 const OnAnswer& on_answer, const OnBody& on_body);

  // HEAD. Follows redirects only inside the endpoint: where else a file lies does not matter here.
  HttpAnswer head(const std::string& path);

  const std::string& endpoint() const noexcept { return m_endpoint.text; }

 private:
  HttpAnswer follow(HttpMethod method, const std::string& path,
                    const std::vector<std::string>& headers, const OnAnswer& on_answer,
                    const OnBody& on_body);
  void check_allowed(const Url& url, const Url& from) const;

  std::unique_ptr<Transport> m_transport;
  Url m_endpoint;
  std::string m_token;
};

// How often and after which pauses a thing that fails is tried again.
class Retries {
 public:
  // Waits and returns when it should be tried again; else throws the failure as k_network. An
  // attempt that brought some bytes is followed by the next one at once.
  void after(const TransientError& failure, std::uint64_t bytes_gained);

 private:
  int m_failures = 0;  // in a row
};

// What `attempt` returns, trying again after transient failures.
template <typename Attempt>
auto with_retries(Attempt attempt) {
  for (Retries retries;;) {
    try {
      return attempt();
    } catch (const TransientError& failure) {
      retries.after(failure, 0);
    }
  }
}

// Percent-encodes all but letters, digits and "-._~".
std::string percent_encoded(std::string_view text);

// What a status other than 2xx means for `what` ("OWNER/NAME@REVISION"), with advice.
Error status_error(const HttpAnswer& answer, const std::string& what);

}  // namespace vecdb
