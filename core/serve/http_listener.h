#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace vecdb {

// A place to listen at; always of this machine alone.
struct HttpAddress {
  std::string host = "127.0.0.1";  // 127.x.y.z or ::1
  std::uint16_t port = 0;          // 0: any that is free
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080". Throws k_usage for what is none, and for every
// address that other machines could reach; the message begins with `what`.
HttpAddress parse_http_address(const std::string& text, const std::string& what);

// As it stands in a URL: an address of IPv6 in brackets.
std::string in_url(const std::string& host);

struct ApiRequest {
  std::string method;         // "POST"
  std::string path;           // "/query", without what stands after a question mark
  std::string host;           // the header of that name; empty where it is missing
  std::string authorization;  // likewise
  bool has_origin = false;    // as what a browser sends for a page has
  std::string body;
};

struct ApiResponse {
  int status = 200;
  std::string json;  // the body
};

// HTTP/1.1 on a loopback address. Each connection has a thread; there are at most 64, and each must
// end its request within 10 seconds. Implemented with GNU libmicrohttpd.
class HttpListener {
 public:
  struct Handler {
    // What is wrong with a request before its body was read; status 0 for nothing.
    std::function<ApiResponse(const ApiRequest&)> refuse;
    std::function<ApiResponse(const ApiRequest&)> answer;
  };

  virtual ~HttpListener() = default;
  virtual std::uint16_t port() const = 0;

 protected:
  HttpListener() = default;
  HttpListener(const HttpListener&) = default;
  HttpListener& operator=(const HttpListener&) = default;
};

// Listens until it is destroyed, which closes all connections and waits for what is being computed.
// `most_bytes` of a body, else the answer is 413. Loads the module. Throws k_io when it cannot listen.
std::unique_ptr<HttpListener> listen_http(const HttpAddress& address, std::size_t most_bytes,
                                          HttpListener::Handler handler);

}  // namespace vecdb
