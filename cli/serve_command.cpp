#include <unistd.h>

#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "serve/server.h"
#include "store_path.h"

namespace vecdb {

namespace {

std::string url_of(const HttpAddress& address) {
  return "http://" + in_url(address.host) + ":" + std::to_string(address.port);
}

// One line, so that a script knows when it can ask.
void print_ready(const Serving& serving, const GlobalOptions& global) {
  const StoreSettings& settings = serving.service.settings();
  const std::string store = serving.service.store().lexically_normal().string();
  const std::string url = serving.http ? url_of(*serving.http) : "";
  const std::string token_file = serving.token_file.string();
  if (global.json) {
    const Json facts = {{"store", store},
                        {"model", settings.model},
                        {"precision", settings.precision},
                        {"pid", ::getpid()},
                        {"http", url},
                        {"token_file", token_file}};
    Output::write(dump_json_of_any_bytes(facts) + "\n");  // paths may not be UTF-8
  } else {
    Output::write("serving " + store + " (" + settings.model + ", " + settings.precision + ")" +
                  (serving.http ? " at " + url + ", token in " + token_file : "") + "\n");
  }
  Output::flush();
}

}  // namespace

int run(const ServeCommand& command, const GlobalOptions& global) {
  if (global.server == ServerUse::k_never) {
    throw Error(ErrorKind::k_usage, "--no-server: has no meaning for serve; leave it out");
  }
  const ServeOptions options{.store = existing_store(global),
                             .model = model_choice(global),
                             .http = command.http,
                             .token_file = command.token_file};
  serve(options, [&](const Serving& serving) { print_ready(serving, global); });
  return 0;
}

}  // namespace vecdb
