#include "serve/http_api.h"

#include <algorithm>
#include <exception>
#include <initializer_list>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/json.h"
#include "pipeline/query_session.h"
#include "pipeline/result_json.h"

namespace vecdb {

namespace {

constexpr std::size_t k_most_texts = 2048;
constexpr std::size_t k_most_hits = 10'000;

// A request that is answered with an error of its own.
struct Refused {
  int status = 400;
  std::string message;
};

ApiResponse error_response(int status, const std::string& message) {
  const char* type = status < 500 ? "invalid_request_error" : "server_error";
  return {.status = status,
          .json = dump_json_of_any_bytes({{"error", {{"message", message}, {"type", type}}}}) + "\n"};
}

// In a time that does not depend on where they differ.
bool are_equal_secrets(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return difference == 0;
}

enum class Path { k_health, k_embeddings, k_query, k_unknown };

Path path_of(const ApiRequest& request) {
  if (request.path == "/healthz") return Path::k_health;
  if (request.path == "/embeddings" || request.path == "/v1/embeddings") return Path::k_embeddings;
  if (request.path == "/query") return Path::k_query;
  return Path::k_unknown;
}

// The members of a request's object; refuses others than it knows, and values of another type.
class Fields {
 public:
  Fields(const ApiRequest& request, std::initializer_list<std::string_view> known)
      : m_json(parse_json(request.body, "the request", ErrorKind::k_usage)) {
    if (!m_json.is_object()) throw Refused{400, "the request: is not a JSON object"};
    for (const auto& [key, value] : m_json.items()) {
      if (std::ranges::find(known, key) != known.end()) continue;
      throw Refused{400, '"' + key + "\": is not known here"};
    }
  }

  const Json* find(const char* key) const {
    const auto found = m_json.find(key);
    return found == m_json.end() || found->is_null() ? nullptr : &*found;
  }
  std::optional<std::string> text(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) refuse(key, "is not a string");
    return value->get<std::string>();
  }
  std::optional<double> number(const char* key, double least, double most) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) refuse(key, "is not a number");
    const auto found = value->get<double>();
    if (!(least <= found && found <= most)) refuse(key, "is out of range");
    return found;
  }
  std::optional<std::size_t> count(const char* key, std::size_t most) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_unsigned()) refuse(key, "is not a whole number");
    const auto found = value->get<std::uint64_t>();
    if (found == 0 || found > most) {
      refuse(key, "is not between 1 and " + std::to_string(most));
    }
    return found;
  }
  [[noreturn]] static void refuse(const std::string& key, const std::string& why) {
    throw Refused{400, '"' + key + "\": " + why};
  }

 private:
  Json m_json;
};

std::vector<std::string> texts_of(const Fields& fields) {
  const Json* input = fields.find("input");
  if (input == nullptr) Fields::refuse("input", "is missing");
  if (input->is_string()) return {input->get<std::string>()};
  if (!input->is_array() || input->empty()) {
    Fields::refuse("input", "is neither a text nor a list of texts");
  }
  if (input->size() > k_most_texts) {
    Fields::refuse("input", "has more than " + std::to_string(k_most_texts) + " texts");
  }
  std::vector<std::string> texts;
  for (const Json& each : *input) {
    if (!each.is_string()) {
      Fields::refuse("input", "holds what is no text; tokens of another model mean nothing here");
    }
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

void append_embedding(std::string& out, std::span<const float> vector, bool as_base64) {
  if (as_base64) {
    out += '"' + encode_base64(std::as_bytes(vector)) + '"';
    return;
  }
  out += '[';
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out += ',';
    append_json_float(out, vector[i]);
  }
  out += ']';
}

// Whatever goes wrong becomes an answer, unless there is no memory for one.
template <typename Function>
ApiResponse answered(Function function) {
  try {
    return function();
  } catch (const Refused& refused) {
    return error_response(refused.status, refused.message);
  } catch (const Error& error) {
    return error_response(error.kind() == ErrorKind::k_usage ? 400 : 500, error.what());
  } catch (const std::bad_alloc&) {
    return {.status = 503, .json = {}};
  } catch (const std::exception& error) {
    return error_response(500, error.what());
  }
}

}  // namespace

ApiResponse HttpApi::refuse(const ApiRequest& request) const {
  return answered([&]() -> ApiResponse {
    if (request.has_origin) throw Refused{403, "pages of a browser are not answered"};
    if (!is_named_by(request.host)) {
      throw Refused{403, "the header Host does not name this machine"};
    }
    const Path path = path_of(request);
    if (path == Path::k_unknown) {
      throw Refused{404, request.path + ": is not known; ask /embeddings, /query or /healthz"};
    }
    const char* method = path == Path::k_health ? "GET" : "POST";
    if (request.method != method) throw Refused{405, request.path + ": takes " + method};
    if (path != Path::k_health && !are_equal_secrets(request.authorization, "Bearer " + m_token)) {
      throw Refused{401, "the header Authorization is not Bearer with the server's token"};
    }
    return {.status = 0, .json = {}};
  });
}

bool HttpApi::is_named_by(std::string_view host) const {
  constexpr std::uint16_t k_left_out = 80;  // clients do not name the port that is HTTP's own
  const std::string port = ":" + std::to_string(m_port);
  if (host.ends_with(port)) {
    host.remove_suffix(port.size());
  } else if (m_port != k_left_out) {
    return false;
  }
  return host == m_host || host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

ApiResponse HttpApi::answer(const ApiRequest& request) {
  return answered([&]() -> ApiResponse {
    if (!m_service.has_unchanged_model()) {
      throw Refused{500, "the model's files have changed since the server was started; run `vecdb "
                         "model verify`, then start it again"};
    }
    switch (path_of(request)) {
      case Path::k_health:
        return health();
      case Path::k_embeddings:
        return embeddings(request);
      case Path::k_query:
        return query(request);
      case Path::k_unknown:
        break;
    }
    throw Refused{404, request.path + ": is not known"};
  });
}

ApiResponse HttpApi::health() {
  const StoreState state = committed_state(m_service.store());
  return {.json = dump_json({{"status", "ok"},
                             {"model", m_service.settings().model},
                             {"precision", m_service.settings().precision},
                             {"dimension", m_service.settings().dimension},
                             {"generation", state.generation}}) +
                  "\n"};
}

ApiResponse HttpApi::embeddings(const ApiRequest& request) {
  const Fields fields(request,
                      {"input", "model", "encoding_format", "dimensions", "user", "input_type"});
  const StoreSettings& settings = m_service.settings();
  Embedder& embedder = m_service.embedder();
  const ModelManifest& manifest = embedder.model().manifest();
  if (const auto model = fields.text("model"); model && *model != settings.model) {
    throw Refused{404, "\"model\": this server has " + settings.model};
  }
  const std::string format = fields.text("encoding_format").value_or("float");
  if (format != "float" && format != "base64") {
    Fields::refuse("encoding_format", "is neither float nor base64");
  }
  const std::size_t dimension = settings.dimension;
  if (fields.count("dimensions", dimension).value_or(dimension) != dimension) {
    Fields::refuse("dimensions", "the store's vectors have " + std::to_string(dimension));
  }
  const std::string type = fields.text("input_type").value_or("");
  if (!type.empty() && type != "query" && type != "passage") {
    Fields::refuse("input_type", "is neither query nor passage");
  }
  const Prompt prompt = type.empty() ? Prompt{} : type == "query" ? manifest.query : manifest.passage;

  const std::vector<std::string> texts = texts_of(fields);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const auto made = embedder.embed(views, prompt, VectorLength::k_model);
  if (!made) throw Refused{503, "the server is stopping"};
  std::size_t tokens = 0;
  std::string json = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    json += i > 0 ? "," : "";
    json += R"({"object":"embedding","index":)" + std::to_string(i) + R"(,"embedding":)";
    append_embedding(json, std::span(made->vectors).subspan(i * dimension, dimension),
                     format == "base64");
    json += made->truncated[i] ? R"(,"truncated":true})" : "}";
    tokens += made->token_counts[i];
  }
  const std::string count = std::to_string(tokens);
  json += R"(],"model":)" + dump_json(settings.model) + R"(,"usage":{"prompt_tokens":)" + count +
          R"(,"total_tokens":)" + count + "}}\n";
  return {.json = std::move(json)};
}

ApiResponse HttpApi::query(const ApiRequest& request) {
  const Fields fields(request, {"query", "k", "min_score", "filter", "recall", "nprobe"});
  const auto text = fields.text("query");
  if (!text || is_blank(*text)) {
    Fields::refuse("query", "is missing or empty");
  }
  QueryOptions options;
  options.k = fields.count("k", k_most_hits).value_or(options.k);
  options.min_score = fields.number("min_score", -1, 1);
  options.effort.lists = fields.count("nprobe", 1'000'000);
  options.effort.recall = fields.number("recall", 0, 1).value_or(options.effort.recall);
  if (const auto filter = fields.text("filter")) {
    options.filter = parse_filter(*filter, "\"filter\"");
  }
  const ReaderPool::Lease reader = m_service.readers().take();
  LocalQuerySession session(*reader, m_service.embedder(), std::move(options));
  const auto answer = session.answer(*text, "\"query\"");
  if (!answer) throw Refused{503, "the server is stopping"};
  std::string json = R"({"results":[)";
  for (std::size_t i = 0; i < answer->hits.size(); ++i) {
    json += (i > 0 ? "," : "") + hit_json(*text, i + 1, answer->hits[i]);
  }
  Json rest = {{"tokens", answer->tokens},
               {"truncated", answer->truncated},
               {"warnings", warnings_of(session.facts().unknown_keys, "\"filter\"")}};
  return {.json = json + "]," + dump_json(rest).substr(1) + "\n"};
}

}  // namespace vecdb
