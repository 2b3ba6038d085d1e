#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/query_session.h"
#include "serve/channel.h"
#include "serve/terms.h"

// What client and server say to each other. A client opens a session with its terms, or an encoder;
// after that it asks, or encodes, as often as it likes. Every answer may be a refusal instead, after
// which the client goes on by itself. Reading throws k_io for what is no such message.
namespace vecdb {

enum class RequestKind { k_open_session, k_ask, k_open_encoder, k_encode };

struct OpenSession {
  Terms terms;
  QueryOptions options;
};
struct Ask {
  std::string text;
  std::string name;
};
struct OpenEncoder {
  Terms terms;
};
struct EncodeTokens {
  PackedTokens batch;
  int task = -1;
};

Message message_of(const OpenSession& request);
Message message_of(const Ask& request);
Message message_of(const OpenEncoder& request);
Message message_of(const EncodeTokens& request);

RequestKind kind_of(const Message& message);
OpenSession read_open_session(const Message& message);
Ask read_ask(const Message& message);
OpenEncoder read_open_encoder(const Message& message);
EncodeTokens read_encode_tokens(const Message& message);

// Answers.
Message refusal_message(const std::string& why);
Message message_of(const QueryFacts& facts);
Message message_of(const Answer& answer);
Message accepted_message();
Message message_of_vectors(std::span<const float> vectors);

// Why the server refused, if it did.
std::optional<std::string> refusal_of(const Message& message);
QueryFacts read_facts(const Message& message);
Answer read_answer(const Message& message);
std::vector<float> read_vectors(const Message& message);

}  // namespace vecdb
