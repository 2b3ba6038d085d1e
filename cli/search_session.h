#pragma once

#include <memory>
#include <string>

#include "options.h"
#include "pipeline/query_session.h"

namespace vecdb {

// The session that answers: of the store's server, unless --no-server forbids it, or of this
// process. Says on stderr which keys of the filter no document has.
std::unique_ptr<QuerySession> open_session(const QueryOptions& options, const GlobalOptions& global);

// Says on stderr that nothing was found, and why: what the options leave out, else `why`.
void warn_of_nothing(const QueryOptions& options, const QueryFacts& facts, const std::string& why,
                     const GlobalOptions& global);

}  // namespace vecdb
