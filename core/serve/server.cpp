#include "serve/server.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <list>
#include <memory>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/file_lock.h"
#include "base/interrupt.h"
#include "base/random_hex.h"
#include "serve/channel.h"
#include "serve/conversation.h"
#include "serve/endpoint.h"
#include "serve/http_api.h"

namespace vecdb {

namespace {

constexpr std::size_t k_most_clients = 64;  // one more works alone
constexpr Channel::Seconds k_patience{5};
constexpr Channel::Seconds k_for_ever{1e8};
// The tokens of an encoder's largest batch are a fiftieth of that.
constexpr MessageLimits k_largest_request{.json = 4U << 20U, .bytes = 4U << 20U};
constexpr std::size_t k_token_digits = 32;
constexpr std::size_t k_shortest_token = 16;
constexpr std::size_t k_longest_token = 4096;
constexpr auto k_look_up_every = std::chrono::milliseconds(100);

// The clients that are being talked to.
class Clients {
 public:
  explicit Clients(Service& service) : m_service(service) {}
  ~Clients() {
    m_stop.request_stop();
    for (Client& client : m_clients) client.thread.join();
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  void add(FileDescriptor connection) {
    if (m_clients.size() >= k_most_clients) return;
    Client& client = m_clients.emplace_back();
    try {
      client.thread =
          std::thread([this, &client, channel = Channel(std::move(connection), k_patience)]() mutable {
            talk(channel);
            client.is_gone = true;
          });
    } catch (const std::exception&) {  // no thread, or no memory for one: the client works alone
      m_clients.pop_back();
    }
  }

  void remove_gone() {
    std::erase_if(m_clients, [](Client& client) {
      if (!client.is_gone) return false;
      client.thread.join();
      return true;
    });
  }

 private:
  struct Client {
    std::thread thread;
    std::atomic<bool> is_gone = false;
  };

  void talk(Channel& channel) const noexcept try {
    Conversation conversation(m_service);
    while (const auto request =
               channel.receive(k_largest_request, k_for_ever, m_stop.get_token())) {
      if (!channel.send(conversation.answer(*request))) return;
    }
  } catch (const std::exception&) {  // no memory for its messages: the client works alone
  }

  Service& m_service;
  std::stop_source m_stop;
  std::list<Client> m_clients;
};

bool is_waiting(const FileDescriptor& listener) {
  pollfd waiting{.fd = listener.get(), .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, static_cast<int>(k_look_up_every.count())) > 0;
}

void accept_clients(const FileDescriptor& listener, Service& service) {
  Clients clients(service);
  while (pending_interrupt() == 0) {
    if (is_waiting(listener)) {
      if (auto connection = accept_own(listener)) {
        clients.add(std::move(*connection));
      } else {  // it goes on waiting where no descriptor is left
        std::this_thread::sleep_for(k_look_up_every);
      }
    }
    clients.remove_gone();
    service.readers().close_stale();
  }
}

// A file that goes with the server: the lock's own as the last one, before it is let go. Where somebody
// has removed the lock, what lies there now may be the next server's.
class OwnFile {
 public:
  OwnFile(std::filesystem::path path, const FileLock& lock)
      : m_path(std::move(path)), m_lock(lock) {}
  ~OwnFile() {
    if (m_lock.is_in_place()) ::unlink(m_path.c_str());
  }
  OwnFile(const OwnFile&) = delete;
  OwnFile& operator=(const OwnFile&) = delete;

 private:
  std::filesystem::path m_path;
  const FileLock& m_lock;
};

// What a client of HTTP must know: read from a file, or made, and then in a file of its own for as
// long as this lives.
class Token {
 public:
  Token(const std::filesystem::path& given, const Endpoint& endpoint, const FileLock& lock)
      : m_file(given.empty() ? endpoint.token() : given) {
    if (!given.empty()) {
      m_text = read_token(given);
      return;
    }
    m_own.emplace(m_file, lock);
    m_text = random_hex(k_token_digits);
    write_private(m_file, m_text + "\n");
  }

  const std::string& text() const noexcept { return m_text; }
  const std::filesystem::path& file() const noexcept { return m_file; }

 private:
  static void write_private(const std::filesystem::path& path, const std::string& text) {
    ::unlink(path.c_str());
    const FileDescriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0) {
      throw Error(ErrorKind::k_io, path.string() + ": cannot make it: " + last_system_error());
    }
    write_all(file, std::as_bytes(std::span(text)), path);
  }

  static std::string read_token(const std::filesystem::path& path) {
    std::string text = read_file(path, k_longest_token);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    const bool is_plain = std::ranges::all_of(text, [](char c) { return '!' <= c && c <= '~'; });
    if (text.size() < k_shortest_token || !is_plain) {
      throw Error(ErrorKind::k_io, path.string() + ": is not a token: give one line of " +
                                       std::to_string(k_shortest_token) +
                                       " characters or more, without blanks");
    }
    return text;
  }

  std::filesystem::path m_file;
  std::string m_text;
  std::optional<OwnFile> m_own;
};

// HTTP beside the socket.
class HttpServer {
 public:
  HttpServer(const ServeOptions& options, const Endpoint& endpoint, const FileLock& lock,
             Service& service)
      : m_token(options.token_file, endpoint, lock),
        m_api(service, options.http->host, m_token.text()),
        m_listener(listen_http(
            *options.http, HttpApi::k_most_bytes,
            {.refuse = [this](const ApiRequest& request) { return m_api.refuse(request); },
             .answer = [this](const ApiRequest& request) { return m_api.answer(request); }})) {
    m_api.set_port(m_listener->port());
  }

  std::uint16_t port() const { return m_listener->port(); }
  const std::filesystem::path& token_file() const noexcept { return m_token.file(); }

 private:
  Token m_token;
  HttpApi m_api;
  std::unique_ptr<HttpListener> m_listener;
};

}  // namespace

void serve(const ServeOptions& options, const std::function<void(const Serving&)>& on_ready) {
  const Endpoint endpoint(options.store);
  endpoint.make_folder();
  FileLock lock(endpoint.lock());
  if (!lock.try_lock(0)) {
    throw Error(ErrorKind::k_busy, options.store.string() + ": is being served by " +
                                       lock.holder() + " already; end that first");
  }
  const OwnFile lock_file(endpoint.lock(), lock);
  Service service(options.store, options.model);
  const FileDescriptor listener = endpoint.listen();
  const OwnFile socket(endpoint.socket(), lock);
  Serving serving{.service = service, .http = options.http, .token_file = {}};
  std::optional<HttpServer> http;
  if (options.http) {
    http.emplace(options, endpoint, lock, service);
    serving.http->port = http->port();
    serving.token_file = http->token_file();
  }
  on_ready(serving);
  accept_clients(listener, service);
}

}  // namespace vecdb
