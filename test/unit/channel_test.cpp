#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "serve/channel.h"

using vecdb::Channel;
using vecdb::FileDescriptor;
using vecdb::Message;
using vecdb::MessageLimits;

namespace {

constexpr MessageLimits k_limits{.json = 1000, .bytes = 1U << 20U};
constexpr Channel::Seconds k_soon{0.2};
constexpr Channel::Seconds k_long{20};

std::pair<FileDescriptor, FileDescriptor> connected() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::string header(std::uint32_t json, std::uint32_t bytes) {
  const std::array<std::uint32_t, 2> lengths{json, bytes};
  std::string text(sizeof lengths, '\0');
  std::memcpy(text.data(), lengths.data(), sizeof lengths);
  return text;
}

void put(const FileDescriptor& socket, const std::string& bytes) {
  REQUIRE(::write(socket.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE("messages arrive whole, one after another") {
  auto [a, b] = connected();
  Channel sender(std::move(a), k_long);
  Channel receiver(std::move(b), k_long);
  // More than a socket holds at a time.
  const Message large{.json = R"({"x":1})", .bytes = std::string(1U << 20U, 'x')};
  std::thread sending([&] {
    sender.send({.json = "{}"});
    sender.send(large);
    sender.send({.json = ""});
  });
  CHECK(receiver.receive(k_limits, k_long)->json == "{}");
  const auto second = receiver.receive(k_limits, k_long);
  CHECK(second->json == large.json);
  CHECK(second->bytes == large.bytes);
  CHECK(receiver.receive(k_limits, k_long)->json.empty());
  sending.join();
}

TEST_CASE("a message that is too long, cut off or late is none") {
  auto [a, b] = connected();
  Channel receiver(std::move(b), k_soon);
  SECTION("too long a text") { put(a, header(1001, 0) + std::string(1001, ' ')); }
  SECTION("too many bytes") { put(a, header(0, (1U << 20U) + 1)); }
  SECTION("the largest length there is") { put(a, header(0xFFFFFFFF, 0xFFFFFFFF)); }
  SECTION("half a header") { put(a, "\x01\x00"); }
  SECTION("no end") { put(a, header(5, 0) + "{}"); }
  SECTION("nothing") {}
  SECTION("cut off") {
    put(a, header(5, 0) + "{}");
    a = FileDescriptor();
  }
  CHECK_FALSE(receiver.receive(k_limits, k_soon));
}

TEST_CASE("nobody listens") {
  auto [a, b] = connected();
  Channel sender(std::move(a), k_soon);
  SECTION("gone") { b = FileDescriptor(); }
  SECTION("does not read") {}
  CHECK_FALSE(sender.send({.json = std::string(8U << 20U, ' ')}));
}

TEST_CASE("who waits for a message is stopped") {
  auto [a, b] = connected();
  Channel receiver(std::move(b), k_long);
  std::stop_source stop;
  std::thread waiting(
      [&] { CHECK_FALSE(receiver.receive(k_limits, Channel::Seconds(1e9), stop.get_token())); });
  stop.request_stop();
  waiting.join();
}
