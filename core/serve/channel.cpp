#include "serve/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "base/interrupt.h"

namespace vecdb {

namespace {

constexpr auto k_look_up_every = std::chrono::milliseconds(100);  // for signals
constexpr double k_longest_wait = 1e8;                            // seconds: what the clock can add

using Lengths = std::array<std::uint32_t, 2>;

bool is_only_busy() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Channel::Channel(FileDescriptor socket, Seconds patience)
    : m_socket(std::move(socket)), m_patience(patience) {}

Channel::Clock::time_point Channel::after(Seconds seconds) const {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(
                            std::min(seconds, Seconds(k_longest_wait)));
}

bool Channel::wait_for(short event, Clock::time_point deadline, const std::stop_token& stop) const {
  pollfd waiting{.fd = m_socket.get(), .events = event, .revents = 0};
  while (pending_interrupt() == 0 && !stop.stop_requested()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min(left, k_look_up_every).count()));
    if (ready > 0) return true;  // the next call tells of an end or an error
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

bool Channel::put(std::string_view bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    const ssize_t sent =
        ::send(m_socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!is_only_busy() || !wait_for(POLLOUT, deadline, {})) {
      return false;
    }
  }
  return true;
}

bool Channel::take(char* bytes, std::size_t count, Clock::time_point deadline,
                   const std::stop_token& stop) {
  while (count > 0) {
    const ssize_t got = ::recv(m_socket.get(), bytes, count, MSG_DONTWAIT);
    if (got > 0) {
      bytes += got;
      count -= static_cast<std::size_t>(got);
    } else if (got == 0 || !is_only_busy() || !wait_for(POLLIN, deadline, stop)) {
      return false;
    }
  }
  return true;
}

bool Channel::send(const Message& message) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (message.json.size() > most || message.bytes.size() > most) return false;
  const Lengths lengths{static_cast<std::uint32_t>(message.json.size()),
                        static_cast<std::uint32_t>(message.bytes.size())};
  std::string begin(sizeof lengths, '\0');
  std::memcpy(begin.data(), lengths.data(), sizeof lengths);
  begin += message.json;
  const auto deadline = after(m_patience);
  return put(begin, deadline) && put(message.bytes, deadline);
}

std::optional<Message> Channel::receive(const MessageLimits& limits, Seconds wait,
                                        const std::stop_token& stop) {
  Lengths lengths{};
  const auto start = after(wait);
  std::array<char, sizeof lengths> begin{};
  if (!take(begin.data(), 1, start, stop)) return std::nullopt;
  const auto deadline = after(m_patience);
  if (!take(begin.data() + 1, begin.size() - 1, deadline, stop)) return std::nullopt;
  std::memcpy(lengths.data(), begin.data(), sizeof lengths);
  const auto [json, bytes] = lengths;
  if (json > limits.json || bytes > limits.bytes) return std::nullopt;
  Message message{.json = std::string(json, '\0'), .bytes = std::string(bytes, '\0')};
  if (!take(message.json.data(), json, deadline, stop)) return std::nullopt;
  if (!take(message.bytes.data(), bytes, deadline, stop)) return std::nullopt;
  return message;
}

}  // namespace vecdb
