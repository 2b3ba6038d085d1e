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
// after that it asks, or encodes, as often as it likes. It asks in words, for what is stored under a
// name, for what is near to that, or to vectors. Every answer may be a refusal instead, after
// which the client goes on by itself. Reading throws k_io for what is no such message.
namespace vecdb {

enum class RequestKind {
  k_open_session,
  k_ask,
  k_find,
  k_ask_similar,
  k_ask_nearest,
  k_open_encoder,
  k_encode
};

// Vectors of a question that a server compares with its store. More take so long that who asks does
// not gain by it, and others wait.
inline constexpr std::size_t k_most_vectors = 64;

struct OpenSession {
  Terms terms;
  QueryOptions options;
};
struct Ask {
  std::string text;
  std::string name;
};
struct FindStored {
  StoredName name;
};
struct AskSimilar {
  StoredText text;
};
struct AskNearest {
  std::vector<float> vectors;  // row-major
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
Message message_of(const FindStored& request);
Message message_of(const AskSimilar& request);
Message message_of(const AskNearest& request);
Message message_of(const OpenEncoder& request);
Message message_of(const EncodeTokens& request);

RequestKind kind_of(const Message& message);
OpenSession read_open_session(const Message& message);
Ask read_ask(const Message& message);
FindStored read_find_stored(const Message& message);
AskSimilar read_ask_similar(const Message& message);
AskNearest read_ask_nearest(const Message& message);
OpenEncoder read_open_encoder(const Message& message);
EncodeTokens read_encode_tokens(const Message& message);

// Answers.
Message refusal_message(const std::string& why);
Message message_of(const QueryFacts& facts);
Message message_of(const Answer& answer);
Message message_of(const std::optional<StoredText>& found);
Message accepted_message();
Message message_of_vectors(std::span<const float> vectors);

// Why the server refused, if it did.
std::optional<std::string> refusal_of(const Message& message);
QueryFacts read_facts(const Message& message);
Answer read_answer(const Message& message);
std::optional<StoredText> read_found(const Message& message);
std::vector<float> read_vectors(const Message& message);

}  // namespace vecdb
