#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/file.h"

namespace vecdb {

// What goes over a channel at a time: one JSON object, and bytes that belong to it.
struct Message {
  std::string json;
  std::string bytes = {};
};

// The largest message that is taken.
struct MessageLimits {
  std::size_t json = 0;   // bytes
  std::size_t bytes = 0;
};

// Messages over a connected Unix socket, between two processes of one build: the lengths of both
// parts, 32 bits each in the machine's own order, then the parts. Whatever goes wrong, the other
// side cannot be talked to any more: that is a false or a nothing here, never an error.
class Channel {
 public:
  using Seconds = std::chrono::duration<double>;

  // `patience`: how long the other side may let a message wait that has begun.
  Channel(FileDescriptor socket, Seconds patience);

  bool send(const Message& message);
  // Waits up to `wait` for the beginning of a message. Nothing also when an interrupt is pending or
  // a stop is requested.
  std::optional<Message> receive(const MessageLimits& limits, Seconds wait,
                                 const std::stop_token& stop = {});

 private:
  using Clock = std::chrono::steady_clock;

  bool put(std::string_view bytes, Clock::time_point deadline);
  bool take(char* bytes, std::size_t count, Clock::time_point deadline,
            const std::stop_token& stop);
  bool wait_for(short event, Clock::time_point deadline, const std::stop_token& stop) const;
  Clock::time_point after(Seconds seconds) const;

  FileDescriptor m_socket;
  Seconds m_patience;
};

}  // namespace vecdb
