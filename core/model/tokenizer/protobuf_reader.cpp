#include "model/tokenizer/protobuf_reader.h"

#include <bit>

namespace vecdb {

namespace {

constexpr std::uint64_t k_max_field_number = (1U << 29U) - 1;

[[noreturn]] void fail_type(std::uint32_t number) {
  throw ProtobufError{"field " + std::to_string(number) + " is of another wire type"};
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(bytes[i - 1]);
  }
  return value;
}

}  // namespace

std::uint64_t ProtobufField::varint() const {
  if (m_type != WireType::k_varint) fail_type(m_number);
  return m_value;
}

float ProtobufField::number_f32() const {
  if (m_type != WireType::k_fixed32) fail_type(m_number);
  return std::bit_cast<float>(static_cast<std::uint32_t>(m_value));
}

std::string_view ProtobufField::bytes() const {
  if (m_type != WireType::k_bytes) fail_type(m_number);
  return m_bytes;
}

std::string_view ProtobufReader::take(std::uint64_t count) {
  if (count > m_rest.size()) throw ProtobufError{"it ends inside a field"};
  const std::string_view bytes = m_rest.substr(0, count);
  m_rest.remove_prefix(count);
  return bytes;
}

std::uint64_t ProtobufReader::take_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(1).front());
    const std::uint64_t part = byte & 0x7FU;
    if (part << shift >> shift != part) break;
    value |= part << shift;
    if (byte < 0x80) return value;
  }
  throw ProtobufError{"a number in it has more than 64 bits"};
}

std::optional<ProtobufField> ProtobufReader::next() {
  using WireType = ProtobufField::WireType;
  if (m_rest.empty()) return std::nullopt;
  const std::uint64_t tag = take_varint();
  const std::uint64_t number = tag >> 3U;
  if (number == 0 || number > k_max_field_number) {
    throw ProtobufError{"a field has the number " + std::to_string(number)};
  }
  ProtobufField field;
  field.m_number = static_cast<std::uint32_t>(number);
  field.m_type = static_cast<WireType>(tag & 7U);
  switch (field.m_type) {
    case WireType::k_varint:
      field.m_value = take_varint();
      return field;
    case WireType::k_fixed64:
      field.m_value = little_endian(take(8));
      return field;
    case WireType::k_fixed32:
      field.m_value = little_endian(take(4));
      return field;
    case WireType::k_bytes:
      field.m_bytes = take(take_varint());
      return field;
  }
  throw ProtobufError{"field " + std::to_string(number) + " has the wire type " +
                      std::to_string(tag & 7U)};
}

}  // namespace vecdb
