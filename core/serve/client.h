#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "pipeline/query_session.h"
#include "pipeline/store_model.h"

// The side of those who ask. A server only makes them faster: where there is none, where it would
// not do exactly the same, and when it goes away, they go on by themselves without a word.
namespace vecdb {

// Told, for people who want to know, whether a server is used, or why not.
using ServerNotice = std::function<void(const std::string&)>;

// A session that the store's server answers, or one of this process. Nothing is read of the model
// where there is a server. Throws as the session of this process does.
std::unique_ptr<QuerySession> open_query_session(const std::filesystem::path& store,
                                                 const ModelChoice& choice,
                                                 const QueryOptions& options,
                                                 const ServerNotice& notice);

// Lets texts be encoded by the store's server.
EncoderSource served_encoder(const std::filesystem::path& store, const ServerNotice& notice);

}  // namespace vecdb
