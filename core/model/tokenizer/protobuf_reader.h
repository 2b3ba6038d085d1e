#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vecdb {

// One field of a message in protobuf's wire format. Asking for a content that is of another wire
// type throws, as does ProtobufReader::next().
class ProtobufField {
 public:
  std::uint32_t number() const noexcept { return m_number; }
  std::uint64_t varint() const;
  float number_f32() const;
  std::string_view bytes() const;  // of a string or a message

 private:
  friend class ProtobufReader;
  enum class WireType : std::uint8_t { k_varint = 0, k_fixed64 = 1, k_bytes = 2, k_fixed32 = 5 };

  std::uint32_t m_number = 0;
  WireType m_type = WireType::k_varint;
  std::uint64_t m_value = 0;
  std::string_view m_bytes;
};

// What is wrong with a message; caught by whoever knows the file's name.
struct ProtobufError {
  std::string why;
};

// Walks the fields of one message in the order in which they are written
// (https://protobuf.dev/programming-guides/encoding). Knows no schema, allocates nothing and reads
// nothing outside of `message`. Groups, which proto3 dropped, are refused.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message) : m_rest(message) {}
  std::optional<ProtobufField> next();

 private:
  std::uint64_t take_varint();
  std::string_view take(std::uint64_t count);

  std::string_view m_rest;
};

}  // namespace vecdb
