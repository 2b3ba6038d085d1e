#pragma once

#include <memory>
#include <optional>

#include "serve/message.h"
#include "serve/service.h"

namespace vecdb {

// What one client asks of the server, one message after another. A session keeps to the generation
// that was committed when it was opened, as a client that works alone does.
class Conversation {
 public:
  explicit Conversation(Service& service) : m_service(service) {}

  // Answers a message, with a refusal where it is malformed or cannot be done. Throws only where
  // there is no memory for that.
  Message answer(const Message& request);

 private:
  Message dispatch(const Message& request);
  Message open_session(const OpenSession& request);
  Message ask(const Ask& request);
  Message find(const FindStored& request);
  Message ask_similar(const AskSimilar& request);
  Message ask_nearest(const AskNearest& request);
  Message open_encoder(const OpenEncoder& request);
  Message encode(const EncodeTokens& request);
  void require_agreement(const Terms& terms) const;
  LocalQuerySession& session();

  Service& m_service;
  ReaderPool::Lease m_reader;
  std::optional<LocalQuerySession> m_session;
  bool m_may_encode = false;
};

}  // namespace vecdb
