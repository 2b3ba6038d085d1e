#include "search_session.h"

#include "console.h"
#include "inputs.h"
#include "serve/client.h"
#include "store_path.h"

namespace vecdb {

std::unique_ptr<QuerySession> open_session(const QueryOptions& options,
                                           const GlobalOptions& global) {
  const auto store = existing_store(global);
  const ModelChoice choice = model_choice(global);
  auto session = global.server == ServerUse::k_never
                     ? open_local_session(store, choice, options)
                     : open_query_session(store, choice, options, server_notice(global));
  warn_of_unknown_keys(session->facts().unknown_keys, global);
  return session;
}

void warn_of_nothing(const QueryOptions& options, const QueryFacts& facts, const std::string& why,
                     const GlobalOptions& global) {
  print_warning(global, "nothing found: " + (facts.nothing_passes ? "no passage passes the filter"
                                             : options.min_score ? "no passage scores that high"
                                                                 : why));
}

}  // namespace vecdb
