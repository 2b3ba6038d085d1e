#include "serve/client.h"

#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "serve/channel.h"
#include "serve/endpoint.h"
#include "serve/message.h"
#include "serve/terms.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr Channel::Seconds k_patience{5};
// Longer than an answer takes, or than a batch waits for its turn beside many others; whoever waited
// that long does better alone.
constexpr Channel::Seconds k_for_session{5};
constexpr Channel::Seconds k_for_answer{30};
constexpr MessageLimits k_largest_answer{.json = 1U << 30U, .bytes = 1U << 30U};

// A server that does not answer as it should.
struct ServerGone {
  std::string why;
};

Message exchange(Channel& channel, const Message& request, Channel::Seconds wait) {
  if (!channel.send(request)) throw ServerGone{"it does not listen"};
  auto answer = channel.receive(k_largest_answer, wait);
  if (!answer) throw ServerGone{"it does not answer"};
  if (auto why = refusal_of(*answer)) throw ServerGone{*why};
  return std::move(*answer);
}

// What `function` makes of the server's answer; nothing, and a notice, where it comes to none.
template <typename Function>
auto try_server(const ServerNotice& notice, Function function)
    -> std::optional<decltype(function())> {
  std::string why;
  try {
    return function();
  } catch (const ServerGone& gone) {
    why = gone.why;
  } catch (const Error& error) {
    why = error.what();
  }
  notice("the store's server is not used: " + why);
  return std::nullopt;
}

std::optional<Channel> connect_to_server(const fs::path& store) {
  try {
    if (auto connection = Endpoint(store).connect()) {
      return Channel(std::move(*connection), k_patience);
    }
  } catch (const Error&) {  // no cache folder, no server
  }
  return std::nullopt;
}

class ServedQuerySession final : public QuerySession {
 public:
  ServedQuerySession(Channel channel, QueryFacts facts,
                     std::function<std::unique_ptr<QuerySession>()> open_own, ServerNotice notice)
      : m_channel(std::move(channel)),
        m_facts(std::move(facts)),
        m_open_own(std::move(open_own)),
        m_notice(std::move(notice)) {}

  const QueryFacts& facts() const override { return m_facts; }

  std::optional<Answer> answer(const std::string& text, const std::string& name) override {
    const Ask request{.text = text, .name = name};
    return ask(request, read_answer, [&](QuerySession& own) { return own.answer(text, name); });
  }

  std::optional<StoredText> find(const StoredName& name) override {
    return ask(FindStored{name}, read_found, [&](QuerySession& own) { return own.find(name); });
  }

  std::optional<Answer> similar(const StoredText& text) override {
    if (text.chunks > k_most_vectors) return own().similar(text);
    return ask(AskSimilar{text}, read_answer,
               [&](QuerySession& own) { return own.similar(text); });
  }

  std::optional<Answer> nearest(std::span<const float> vectors) override {
    if (vectors.size() > k_most_vectors * m_facts.dimension) return own().nearest(vectors);
    return ask(AskNearest{{vectors.begin(), vectors.end()}}, read_answer,
               [&](QuerySession& own) { return own.nearest(vectors); });
  }

 private:
  // What `read` makes of the server's answer to a request, or what `alone` gives without a server.
  template <typename Request, typename Read, typename Alone>
  std::invoke_result_t<Alone, QuerySession&> ask(const Request& request, Read read, Alone alone) {
    if (!m_own) {
      auto answer = try_server(m_notice, [&] {
        return read(exchange(m_channel, message_of(request), k_for_answer));
      });
      if (answer) return std::move(*answer);
    }
    return alone(own());
  }

  QuerySession& own() {
    if (!m_own) m_own = m_open_own();
    return *m_own;
  }

  Channel m_channel;
  QueryFacts m_facts;
  std::function<std::unique_ptr<QuerySession>()> m_open_own;
  ServerNotice m_notice;
  std::unique_ptr<QuerySession> m_own;  // once the server has failed
};

std::optional<Channel> open_encoder(const fs::path& store, const Terms& terms,
                                    const ServerNotice& notice) {
  auto channel = connect_to_server(store);
  if (!channel) return std::nullopt;
  const auto accepted = try_server(
      notice, [&] { return exchange(*channel, message_of(OpenEncoder{terms}), k_for_session); });
  return accepted ? std::move(channel) : std::nullopt;
}

// Each thread that encodes has a connection of its own.
class ServedEncoder final : public Encoder {
 public:
  ServedEncoder(fs::path store, Terms terms, Channel channel,
                std::function<std::shared_ptr<const Encoder>()> make_own, ServerNotice notice)
      : m_store(std::move(store)),
        m_terms(std::move(terms)),
        m_make_own(std::move(make_own)),
        m_notice(std::move(notice)) {
    m_idle.push_back(std::move(channel));
  }

  std::vector<float> encode(const PackedTokens& batch, int task) const override {
    if (auto channel = take()) {
      const EncodeTokens request{.batch = batch, .task = task};
      const auto vectors = try_server(m_notice, [&] {
        return read_vectors(exchange(*channel, message_of(request), k_for_answer));
      });
      if (vectors) {
        const std::lock_guard lock(m_mutex);
        m_idle.push_back(std::move(*channel));
        return *vectors;
      }
    }
    return own().encode(batch, task);
  }

 private:
  std::optional<Channel> take() const {
    {
      const std::lock_guard lock(m_mutex);
      if (m_own) return std::nullopt;
      if (!m_idle.empty()) {
        Channel channel = std::move(m_idle.back());
        m_idle.pop_back();
        return channel;
      }
    }
    return open_encoder(m_store, m_terms, m_notice);
  }

  const Encoder& own() const {
    const std::lock_guard lock(m_mutex);
    if (!m_own) m_own = m_make_own();
    return *m_own;
  }

  fs::path m_store;
  Terms m_terms;
  std::function<std::shared_ptr<const Encoder>()> m_make_own;
  ServerNotice m_notice;
  mutable std::mutex m_mutex;
  mutable std::vector<Channel> m_idle;
  mutable std::shared_ptr<const Encoder> m_own;  // once the server has failed
};

}  // namespace

std::unique_ptr<QuerySession> open_query_session(const fs::path& store, const ModelChoice& choice,
                                                 const QueryOptions& options,
                                                 const ServerNotice& notice) {
  const auto open_own = [=] { return open_local_session(store, choice, options); };
  // Another model than the store's is an error, which only a look at it can explain.
  if (choice.model || choice.max_memory) return open_own();
  auto channel = connect_to_server(store);
  if (!channel) return open_own();
  auto facts = try_server(notice, [&] {
    Terms terms{.arithmetic = arithmetic_here(),
                .engine = choice.engine,
                .store = committed_state(store).store,
                .fingerprint = {},
                .precision = {}};
    if (choice.precision) terms.precision = name_of(*choice.precision);
    const OpenSession request{.terms = std::move(terms), .options = options};
    return read_facts(exchange(*channel, message_of(request), k_for_session));
  });
  if (!facts) return open_own();
  notice("the store's server answers");
  return std::make_unique<ServedQuerySession>(std::move(*channel), std::move(*facts), open_own,
                                              notice);
}

EncoderSource served_encoder(const fs::path& store, const ServerNotice& notice) {
  return [=](const Model& model, Precision precision,
             Engine engine) -> std::shared_ptr<const Encoder> {
    const auto make_own = [=] { return model.make_encoder(precision, engine); };
    const Terms terms{.arithmetic = arithmetic_here(),
                      .engine = engine,
                      .store = {},
                      .fingerprint = model.fingerprint(),
                      .precision = name_of(precision)};
    auto channel = open_encoder(store, terms, notice);
    if (!channel) return make_own();
    notice("the store's server encodes");
    return std::make_shared<ServedEncoder>(store, terms, std::move(*channel), make_own, notice);
  };
}

}  // namespace vecdb
