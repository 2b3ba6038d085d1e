#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "serve/http_listener.h"

namespace vecdb {

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned k_most_connections = 64;
constexpr std::size_t k_connection_memory = 32U << 10U;  // bytes of headers
constexpr auto k_request_time = std::chrono::seconds(10);
constexpr unsigned k_idle_seconds = 10;

// Ends connections whose request takes too long to arrive: libmicrohttpd itself only minds the time
// between two bytes.
class Deadlines {
 public:
  Deadlines() : m_thread([this] { watch(); }) {}
  ~Deadlines() {
    {
      const std::lock_guard lock(m_mutex);
      m_ended = true;
    }
    m_changed.notify_all();
    m_thread.join();
  }
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  void begin(int socket) {
    const std::lock_guard lock(m_mutex);
    m_sockets[socket] = Clock::now() + k_request_time;
  }
  void end(int socket) {
    const std::lock_guard lock(m_mutex);
    m_sockets.erase(socket);
  }

 private:
  void watch() {
    std::unique_lock lock(m_mutex);
    while (!m_ended) {
      m_changed.wait_for(lock, std::chrono::seconds(1));
      std::erase_if(m_sockets, [now = Clock::now()](const auto& each) {
        if (now < each.second) return false;
        ::shutdown(each.first, SHUT_RDWR);
        return true;
      });
    }
  }

  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::map<int, Clock::time_point> m_sockets;
  bool m_ended = false;
  std::thread m_thread;
};

int socket_of(MHD_Connection* connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

// Reads what else the other side sends, until it ends or the socket's deadline comes. Closed with
// bytes unread, the connection would be reset, and the answer lost that is on its way.
void drain(int socket) {
  ::shutdown(socket, SHUT_WR);  // so that the other side need not wait for more
  std::array<char, 16U << 10U> ignored{};
  pollfd waiting{.fd = socket, .events = POLLIN, .revents = 0};
  for (;;) {
    const ssize_t got = ::recv(socket, ignored.data(), ignored.size(), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return;
    if (::poll(&waiting, 1, -1) < 0 && errno != EINTR) return;
  }
}

std::string header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string() : std::string(value);
}

MHD_Result reply(MHD_Connection* connection, const ApiResponse& response) {
  MHD_Response* made = MHD_create_response_from_buffer(
      response.json.size(), const_cast<char*>(response.json.data()), MHD_RESPMEM_MUST_COPY);
  if (made == nullptr) return MHD_NO;
  MHD_add_response_header(made, "Content-Type", "application/json");
  MHD_add_response_header(made, "Cache-Control", "no-store");
  MHD_add_response_header(made, "X-Content-Type-Options", "nosniff");
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(response.status), made);
  MHD_destroy_response(made);
  return queued;
}

// A request that arrives.
struct Arriving {
  ApiRequest request;
  bool is_too_long = false;
  bool is_left = false;  // it was refused before its body was read
};

class MicrohttpdListener final : public HttpListener {
 public:
  MicrohttpdListener(const HttpAddress& address, std::size_t most_bytes, Handler handler)
      : m_most_bytes(most_bytes), m_handler(std::move(handler)) {
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    const bool is_v6 = address.host.find(':') != std::string::npos;
    if (is_v6) {
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(address.port);
      ::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr);
    } else {
      v4.sin_family = AF_INET;
      v4.sin_port = htons(address.port);
      ::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr);
    }
    const void* place = is_v6 ? static_cast<const void*>(&v6) : &v4;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (is_v6) flags |= MHD_USE_IPv6;
    m_daemon = MHD_start_daemon(
        flags, address.port, nullptr, nullptr, on_request, this, MHD_OPTION_SOCK_ADDR, place,
        MHD_OPTION_CONNECTION_LIMIT, k_most_connections, MHD_OPTION_CONNECTION_TIMEOUT,
        k_idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, k_connection_memory,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, this, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        this, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (m_daemon == nullptr) {
      throw Error(ErrorKind::k_io, "--http " + address.host + ":" + std::to_string(address.port) +
                                       ": cannot listen: " + last_system_error() +
                                       "; name another port, or 0 for any");
    }
  }

  ~MicrohttpdListener() override { MHD_stop_daemon(m_daemon); }
  MicrohttpdListener(const MicrohttpdListener&) = delete;
  MicrohttpdListener& operator=(const MicrohttpdListener&) = delete;

  std::uint16_t port() const override {
    return MHD_get_daemon_info(m_daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
  }

 private:
  static void on_connection(void* self, MHD_Connection* connection, void**,
                            MHD_ConnectionNotificationCode code) {
    Deadlines& deadlines = static_cast<MicrohttpdListener*>(self)->m_deadlines;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      deadlines.begin(socket_of(connection));
    } else {
      deadlines.end(socket_of(connection));
    }
  }

  // The connection waits for its next request, or is closed.
  static void on_completed(void* self, MHD_Connection* connection, void** arriving,
                           MHD_RequestTerminationCode) {
    const std::unique_ptr<Arriving> request(static_cast<Arriving*>(std::exchange(*arriving, nullptr)));
    const int socket = socket_of(connection);
    static_cast<MicrohttpdListener*>(self)->m_deadlines.begin(socket);
    if (request && request->is_left) drain(socket);
  }

  // Called once for the headers, then for each part of the body, and once at its end.
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char*, const char* data,
                               std::size_t* data_size, void** arriving) noexcept try {
    auto& listener = *static_cast<MicrohttpdListener*>(self);
    if (*arriving == nullptr) {
      *arriving = new Arriving{.request = {.method = method,
                                           .path = url,
                                           .host = header(connection, "Host"),
                                           .authorization = header(connection, "Authorization"),
                                           .has_origin = !header(connection, "Origin").empty(),
                                           .body = {}}};
      return listener.begin(connection, *static_cast<Arriving*>(*arriving));
    }
    auto& [request, is_too_long, _] = *static_cast<Arriving*>(*arriving);
    if (*data_size > 0) {
      is_too_long = is_too_long || request.body.size() + *data_size > listener.m_most_bytes;
      if (!is_too_long) request.body.append(data, *data_size);
      *data_size = 0;
      return MHD_YES;
    }
    listener.m_deadlines.end(socket_of(connection));  // it has arrived
    return reply(connection, is_too_long ? too_long() : listener.m_handler.answer(request));
  } catch (const std::exception&) {
    return MHD_NO;  // out of memory: the connection is closed
  }

  MHD_Result begin(MHD_Connection* connection, Arriving& arriving) const {
    const std::string length = header(connection, "Content-Length");
    ApiResponse refusal = m_handler.refuse(arriving.request);
    if (refusal.status == 0 && exceeds_limit(length)) refusal = too_long();
    if (refusal.status == 0) return MHD_YES;
    arriving.is_left =
        (!length.empty() && length != "0") || !header(connection, "Transfer-Encoding").empty();
    return reply(connection, refusal);
  }

  bool exceeds_limit(const std::string& length) const {
    const bool is_number = std::ranges::all_of(length, [](char c) { return '0' <= c && c <= '9'; });
    return !is_number || length.size() > 18 ||
           (!length.empty() && std::stoull(length) > m_most_bytes);
  }

  static ApiResponse too_long() {
    return {.status = 413,
            .json = R"({"error":{"message":"the request is too long; send less at a time",)"
                    R"("type":"invalid_request_error"}})"};
  }

  std::size_t m_most_bytes;
  Handler m_handler;
  Deadlines m_deadlines;
  MHD_Daemon* m_daemon = nullptr;
};

}  // namespace

}  // namespace vecdb

// Found by name after dlopen (see http_listener.cpp). The caller owns the result.
extern "C" __attribute__((visibility("default"))) vecdb::HttpListener* vecdb_listen_http(
    const vecdb::HttpAddress& address, std::size_t most_bytes,
    vecdb::HttpListener::Handler&& handler) {
  return new vecdb::MicrohttpdListener(address, most_bytes, std::move(handler));
}
