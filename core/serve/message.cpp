#include "serve/message.h"

#include <cstring>
#include <utility>

#include "base/json.h"

namespace vecdb {

namespace {

constexpr const char* k_refused = "refused";
constexpr const char* k_what = "a message between vecdb and its server";

[[noreturn]] void malformed() {
  throw Error(ErrorKind::k_io, std::string(k_what) + ": is malformed");
}

// Both sides are of one build, so what is missing or of another type can only be damage.
template <typename Function>
auto reading(const Message& message, Function function) {
  try {
    return function(parse_json(message.json, k_what, ErrorKind::k_io));
  } catch (const Json::exception&) {
    malformed();
  }
}

template <typename T>
Json json_of(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

template <typename T>
std::optional<T> optional_of(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

Message with_kind(RequestKind kind, Json json, std::string bytes = {}) {
  json["kind"] = static_cast<int>(kind);
  return {.json = dump_json(json), .bytes = std::move(bytes)};
}

Json json_of(const Terms& terms) {
  return {{"program", terms.arithmetic.program},
          {"level", terms.arithmetic.level},
          {"environment", terms.arithmetic.environment},
          {"engine", static_cast<int>(terms.engine)},
          {"store", json_of(terms.store)},
          {"fingerprint", json_of(terms.fingerprint)},
          {"precision", json_of(terms.precision)}};
}

Terms terms_of(const Json& json) {
  return {.arithmetic = {.program = json.at("program").get<std::string>(),
                         .level = json.at("level").get<std::string>(),
                         .environment = json.at("environment").get<std::string>()},
          .engine = static_cast<Engine>(json.at("engine").get<int>()),
          .store = optional_of<std::string>(json.at("store")),
          .fingerprint = optional_of<std::string>(json.at("fingerprint")),
          .precision = optional_of<std::string>(json.at("precision"))};
}

Json json_of(const Hit& hit) {
  const DocumentRecord& document = hit.chunk.document;
  const ChunkRecord& record = hit.chunk.record;
  const Chunk& chunk = record.chunk;
  return {{"score", hit.score},
          {"distance", hit.distance},
          {"id", hit.chunk.id},
          {"number", hit.chunk.number},
          {"start", chunk.start},
          {"end", chunk.end},
          {"line", chunk.line},
          {"text", chunk.text},
          {"chunk_meta", chunk.meta},
          {"tokens", record.tokens},
          {"fit", static_cast<int>(record.fit)},
          {"uri", document.uri},
          {"sha256", document.sha256},
          {"size", document.size},
          {"mtime", document.mtime_ns},
          {"ctime", document.ctime_ns},
          {"type", document.type},
          {"recipe", document.recipe},
          {"meta", document.meta}};
}

Hit hit_of(const Json& json) {
  Hit hit;
  hit.score = json.at("score").get<double>();
  hit.distance = json.at("distance").get<double>();
  hit.chunk.id = json.at("id").get<ChunkId>();
  hit.chunk.number = json.at("number").get<std::uint64_t>();
  ChunkRecord& record = hit.chunk.record;
  record.chunk = {.start = json.at("start").get<std::uint64_t>(),
                  .end = json.at("end").get<std::uint64_t>(),
                  .line = json.at("line").get<std::uint64_t>(),
                  .text = json.at("text").get<std::string>(),
                  .meta = json.at("chunk_meta").get<std::string>()};
  record.tokens = json.at("tokens").get<std::uint32_t>();
  record.fit = static_cast<WindowFit>(json.at("fit").get<int>());
  hit.chunk.document = {.uri = json.at("uri").get<std::string>(),
                        .sha256 = json.at("sha256").get<std::string>(),
                        .size = json.at("size").get<std::uint64_t>(),
                        .mtime_ns = json.at("mtime").get<std::int64_t>(),
                        .ctime_ns = json.at("ctime").get<std::int64_t>(),
                        .type = json.at("type").get<std::string>(),
                        .recipe = json.at("recipe").get<std::string>(),
                        .meta = json.at("meta").get<std::string>()};
  return hit;
}

// What the command line lets through; the search relies on it.
void check(const QueryOptions& options) {
  constexpr std::size_t k_most_hits = 1'000'000;
  const bool is_sound = 1 <= options.k && options.k <= k_most_hits &&
                        options.effort.lists.value_or(1) >= 1 && 0 <= options.effort.recall &&
                        options.effort.recall <= 1 &&
                        (options.overflow == Overflow::k_error ||
                         options.overflow == Overflow::k_warn ||
                         options.overflow == Overflow::k_mean);
  if (!is_sound) malformed();
}

template <typename T>
std::string bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

template <typename T>
std::vector<T> values_of(const std::string& bytes) {
  if (bytes.size() % sizeof(T) != 0) malformed();
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

Message message_of(const OpenSession& request) {
  const QueryOptions& options = request.options;
  Json json = json_of(request.terms);
  json["k"] = options.k;
  json["min_score"] = json_of(options.min_score);
  json["filter"] = options.filter ? Json(options.filter->text()) : Json();
  json["lists"] = json_of(options.effort.lists);
  json["recall"] = options.effort.recall;
  json["overflow"] = static_cast<int>(options.overflow);
  return with_kind(RequestKind::k_open_session, std::move(json));
}

Message message_of(const Ask& request) {
  return with_kind(RequestKind::k_ask, {{"text", request.text}, {"name", request.name}});
}

Message message_of(const OpenEncoder& request) {
  return with_kind(RequestKind::k_open_encoder, json_of(request.terms));
}

Message message_of(const EncodeTokens& request) {
  const PackedTokens& batch = request.batch;
  return with_kind(RequestKind::k_encode, {{"task", request.task}, {"starts", batch.starts}},
                   bytes_of(std::span(batch.ids)));
}

RequestKind kind_of(const Message& message) {
  return reading(message, [](const Json& json) {
    const int kind = json.at("kind").get<int>();
    if (kind < 0 || kind > static_cast<int>(RequestKind::k_encode)) malformed();
    return static_cast<RequestKind>(kind);
  });
}

OpenSession read_open_session(const Message& message) {
  return reading(message, [](const Json& json) {
    OpenSession request{.terms = terms_of(json), .options = {}};
    QueryOptions& options = request.options;
    options.k = json.at("k").get<std::size_t>();
    options.min_score = optional_of<double>(json.at("min_score"));
    if (const Json& filter = json.at("filter"); !filter.is_null()) {
      options.filter = parse_filter(filter.get<std::string>(), "--filter");
    }
    options.effort.lists = optional_of<std::size_t>(json.at("lists"));
    options.effort.recall = json.at("recall").get<double>();
    options.overflow = static_cast<Overflow>(json.at("overflow").get<int>());
    check(options);
    return request;
  });
}

Ask read_ask(const Message& message) {
  return reading(message, [](const Json& json) {
    return Ask{.text = json.at("text").get<std::string>(),
               .name = json.at("name").get<std::string>()};
  });
}

OpenEncoder read_open_encoder(const Message& message) {
  return reading(message, [](const Json& json) { return OpenEncoder{.terms = terms_of(json)}; });
}

EncodeTokens read_encode_tokens(const Message& message) {
  return reading(message, [&](const Json& json) {
    return EncodeTokens{
        .batch = {.ids = values_of<std::int64_t>(message.bytes),
                  .starts = json.at("starts").get<std::vector<std::int64_t>>()},
        .task = json.at("task").get<int>()};
  });
}

Message refusal_message(const std::string& why) {
  return {.json = dump_json_of_any_bytes(Json{{k_refused, why}})};
}

Message accepted_message() { return {.json = "{}"}; }

Message message_of(const QueryFacts& facts) {
  Json keys = Json::array();
  for (const UnknownKey& key : facts.unknown_keys) keys.push_back({key.name, key.nearest});
  return {.json = dump_json(Json{{"window", facts.window},
                                 {"unknown_keys", std::move(keys)},
                                 {"nothing_passes", facts.nothing_passes}})};
}

Message message_of(const Answer& answer) {
  Json hits = Json::array();
  for (const Hit& hit : answer.hits) hits.push_back(json_of(hit));
  return {.json = dump_json(Json{{"hits", std::move(hits)},
                                 {"tokens", answer.tokens},
                                 {"truncated", answer.truncated}})};
}

Message message_of_vectors(std::span<const float> vectors) {
  return {.json = "{}", .bytes = bytes_of(vectors)};
}

std::optional<std::string> refusal_of(const Message& message) {
  // No other answer begins so. Others are long, and are read once only.
  if (!message.json.starts_with("{\"" + std::string(k_refused) + "\":")) return std::nullopt;
  return reading(message,
                 [](const Json& json) { return json.at(k_refused).get<std::string>(); });
}

QueryFacts read_facts(const Message& message) {
  return reading(message, [](const Json& json) {
    QueryFacts facts{.window = json.at("window").get<std::size_t>(),
                     .unknown_keys = {},
                     .nothing_passes = json.at("nothing_passes").get<bool>()};
    for (const Json& key : json.at("unknown_keys")) {
      facts.unknown_keys.push_back(
          {.name = key.at(0).get<std::string>(), .nearest = key.at(1).get<std::string>()});
    }
    return facts;
  });
}

Answer read_answer(const Message& message) {
  return reading(message, [](const Json& json) {
    Answer answer{.hits = {},
                  .tokens = json.at("tokens").get<std::size_t>(),
                  .truncated = json.at("truncated").get<bool>()};
    for (const Json& hit : json.at("hits")) answer.hits.push_back(hit_of(hit));
    return answer;
  });
}

std::vector<float> read_vectors(const Message& message) { return values_of<float>(message.bytes); }

}  // namespace vecdb
