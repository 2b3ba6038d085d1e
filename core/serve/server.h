#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "serve/http_listener.h"
#include "serve/service.h"

namespace vecdb {

struct ServeOptions {
  std::filesystem::path store;
  ModelChoice model;
  std::optional<HttpAddress> http;   // where to answer HTTP too; nothing: nowhere
  std::filesystem::path token_file;  // with what a client of HTTP must know; empty: a new one
};

// What is known once the first client may come.
struct Serving {
  const Service& service;
  std::optional<HttpAddress> http;   // with the port that it became
  std::filesystem::path token_file;  // where the token stands
};

// Answers the clients of a store at its endpoint, many at a time, each on a thread of its own,
// until an interrupt is pending; then what is being answered is finished. With `http` it answers
// over HTTP too (http_api.h), where an interrupt closes the connections; a token that it makes
// itself lies in a file beside the endpoint's socket, which only this user can read, for as long as
// it runs. Throws k_busy when another process serves this store, k_io when it cannot listen or a
// token file is not fit, and as Service does.
void serve(const ServeOptions& options, const std::function<void(const Serving&)>& on_ready);

}  // namespace vecdb
