#include "serve/http_listener.h"

#include <arpa/inet.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/module.h"

namespace vecdb {

namespace {

bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  return host == "::1";
}

std::optional<std::uint16_t> port_of(std::string_view digits) {
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  return error == std::errc() && stop == end ? std::optional(port) : std::nullopt;
}

}  // namespace

HttpAddress parse_http_address(const std::string& text, const std::string& what) {
  const auto colon = text.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt
                                               : port_of(std::string_view(text).substr(colon + 1));
  if (!port) {
    throw Error(ErrorKind::k_usage,
                what + " " + text + ": is not ADDRESS:PORT; say 127.0.0.1:8080, or port 0 for any");
  }
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (!is_loopback(host)) {
    throw Error(ErrorKind::k_usage, what + " " + text +
                                        ": is not an address of this machine alone; say "
                                        "127.0.0.1:PORT, and let a proxy answer others");
  }
  return {.host = std::move(host), .port = *port};
}

std::string in_url(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::unique_ptr<HttpListener> listen_http(const HttpAddress& address, std::size_t most_bytes,
                                          HttpListener::Handler handler) {
  using Listen = HttpListener* (*)(const HttpAddress&, std::size_t, HttpListener::Handler&&);
  static const auto listen =
      reinterpret_cast<Listen>(module_function("libvecdb_http.so", "vecdb_listen_http"));
  return std::unique_ptr<HttpListener>(listen(address, most_bytes, std::move(handler)));
}

}  // namespace vecdb
