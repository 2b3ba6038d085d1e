#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "serve/http_listener.h"
#include "serve/service.h"

namespace vecdb {

// What the server answers over HTTP, as docs/CLI.md says: /embeddings, in the shape of OpenAI's API,
// /query and /healthz. For use by several threads.
class HttpApi {
 public:
  // The largest body of a request, in bytes.
  static constexpr std::size_t k_most_bytes = 4U << 20U;

  // `host`: the address that it is reached at.
  HttpApi(Service& service, const std::string& host, std::string token)
      : m_service(service), m_host(in_url(host)), m_token(std::move(token)) {}

  // The port that it is reached at, once it is known.
  void set_port(std::uint16_t port) noexcept { m_port = port; }

  // What is wrong with a request whose body was not read yet; status 0 for nothing. Only names of
  // this machine are taken for the host, so that no page of another site reaches it by way of a
  // name server, and nothing that comes from a page at all.
  ApiResponse refuse(const ApiRequest& request) const;
  ApiResponse answer(const ApiRequest& request);

 private:
  bool is_named_by(std::string_view host) const;
  ApiResponse health();
  ApiResponse embeddings(const ApiRequest& request);
  ApiResponse query(const ApiRequest& request);

  Service& m_service;
  std::string m_host;  // as in a URL
  std::string m_token;
  std::atomic<std::uint16_t> m_port = 0;
};

}  // namespace vecdb
