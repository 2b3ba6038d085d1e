#include "serve/conversation.h"

#include <algorithm>
#include <exception>

#include "base/error.h"
#include "base/interrupt.h"

namespace vecdb {

namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::k_usage, why); }

bool has_task(const ModelManifest& manifest, int task) {
  return task == -1 || task == manifest.query.task || task == manifest.passage.task ||
         std::ranges::any_of(manifest.tasks,
                             [&](const auto& each) { return each.second.task == task; });
}

// What Encoder::encode() asks of its callers.
void check(const EncodeTokens& request, const ModelManifest& manifest) {
  const auto& [ids, starts] = request.batch;
  const auto vocabulary = static_cast<std::int64_t>(manifest.encoder.vocab_size);
  const auto window = static_cast<std::int64_t>(manifest.window);
  if (starts.empty() || starts.front() != 0 ||
      starts.back() != static_cast<std::int64_t>(ids.size())) {
    refuse("texts that are no texts");
  }
  for (std::size_t i = 1; i < starts.size(); ++i) {
    if (starts[i] <= starts[i - 1] || starts[i] - starts[i - 1] > window) {
      refuse("a text of a length that the model does not read");
    }
  }
  if (std::ranges::any_of(ids, [&](std::int64_t id) { return id < 0 || id >= vocabulary; })) {
    refuse("a token that the model does not have");
  }
  if (!has_task(manifest, request.task)) refuse("a task that the model does not have");
}

}  // namespace

Message Conversation::answer(const Message& request) try {
  return dispatch(request);
} catch (const std::exception& error) {
  // The client does the same alone, and says what is wrong in its own way.
  return refusal_message(error.what());
}

Message Conversation::dispatch(const Message& request) {
  switch (kind_of(request)) {
    case RequestKind::k_open_session:
      return open_session(read_open_session(request));
    case RequestKind::k_ask:
      return ask(read_ask(request));
    case RequestKind::k_open_encoder:
      return open_encoder(read_open_encoder(request));
    case RequestKind::k_encode:
      return encode(read_encode_tokens(request));
  }
  refuse("a request that is none");
}

void Conversation::require_agreement(const Terms& terms) const {
  if (const auto why = objection(terms, m_service.offer())) refuse(*why);
  if (!m_service.has_unchanged_model()) refuse("its model's files have changed since it was started");
}

Message Conversation::open_session(const OpenSession& request) {
  require_agreement(request.terms);
  m_session.reset();
  m_reader = m_service.readers().take();
  if (request.terms.store && *request.terms.store != m_reader.get_deleter().state.store) {
    refuse("it serves another store");
  }
  m_session.emplace(*m_reader, m_service.embedder(), request.options);
  if (pending_interrupt() != 0) refuse("it stops");  // the filter may not have seen all of the store
  return message_of(m_session->facts());
}

Message Conversation::ask(const Ask& request) {
  if (!m_session) refuse("no session is open");
  const auto answer = m_session->answer(request.text, request.name);
  if (!answer) refuse("it stops");
  return message_of(*answer);
}

Message Conversation::open_encoder(const OpenEncoder& request) {
  require_agreement(request.terms);
  m_may_encode = true;
  return accepted_message();
}

Message Conversation::encode(const EncodeTokens& request) {
  if (!m_may_encode) refuse("no encoder is open");
  if (pending_interrupt() != 0) refuse("it stops");
  check(request, m_service.embedder().model().manifest());
  return message_of_vectors(m_service.embedder().encoder().encode(request.batch, request.task));
}

}  // namespace vecdb
