#include "base/tar.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace vecdb {

namespace {

constexpr std::size_t k_block = 512;
constexpr std::uint64_t k_octal_limit = std::uint64_t{1} << 33U;  // 11 octal digits

// A header's fields: where they begin, and how many bytes they have.
struct Field {
  std::size_t begin;
  std::size_t bytes;
};
constexpr Field k_name{0, 100};
constexpr Field k_mode{100, 8};
constexpr Field k_user{108, 8};
constexpr Field k_group{116, 8};
constexpr Field k_size{124, 12};
constexpr Field k_time{136, 12};
constexpr Field k_checksum{148, 8};
constexpr std::size_t k_type = 156;
constexpr Field k_magic{257, 8};
constexpr Field k_prefix{345, 155};
constexpr std::string_view k_ustar{"ustar\00000", 8};
constexpr std::string_view k_old_gnu{"ustar  \0", 8};

using Block = std::array<char, k_block>;

std::string_view text_of(const Block& block, Field field) {
  return {block.data() + field.begin, field.bytes};
}

void put(Block& block, Field field, std::string_view text) {
  std::ranges::copy(text, block.begin() + static_cast<std::ptrdiff_t>(field.begin));
}

// Octal digits and a zero byte.
void put_octal(Block& block, Field field, std::uint64_t value) {
  for (std::size_t at = field.begin + field.bytes - 1; at-- > field.begin; value >>= 3U) {
    block[at] = static_cast<char>('0' + (value & 7U));
  }
}

void put_size(Block& block, std::uint64_t value) {
  if (value < k_octal_limit) return put_octal(block, k_size, value);
  block[k_size.begin] = static_cast<char>(0x80);
  for (std::size_t at = k_size.begin + k_size.bytes; at-- > k_size.begin + 4; value >>= 8U) {
    block[at] = static_cast<char>(value & 0xFFU);
  }
}

// Of the header's bytes, with spaces for the checksum itself.
std::uint64_t checksum_of(const Block& block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < k_block; ++i) {
    const bool is_own = i >= k_checksum.begin && i < k_checksum.begin + k_checksum.bytes;
    sum += is_own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

// Octal digits, with spaces before them and spaces or zero bytes behind.
std::optional<std::uint64_t> octal(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '7') return std::nullopt;
    value = value << 3U | static_cast<std::uint64_t>(digit - '0');
  }
  return value;
}

std::optional<std::uint64_t> size_of(const Block& block) {
  const std::string_view text = text_of(block, k_size);
  if (static_cast<unsigned char>(text[0]) != 0x80) {
    return static_cast<unsigned char>(text[0]) > 0x80 ? std::nullopt : octal(text);
  }
  std::uint64_t value = 0;
  for (const char byte : text.substr(1)) {
    if (value >> 55U != 0) return std::nullopt;  // past 63 bits
    value = value << 8U | static_cast<unsigned char>(byte);
  }
  return value;
}

std::string up_to_zero(std::string_view text) {
  return std::string(text.substr(0, text.find('\0')));
}

bool is_zero(const Block& block) {
  return std::ranges::all_of(block, [](char byte) { return byte == 0; });
}

std::uint64_t padding_of(std::uint64_t bytes) { return (k_block - bytes % k_block) % k_block; }

}  // namespace

std::string tar_header(std::string_view name, std::uint64_t bytes) {
  if (name.empty() || name.size() > k_name.bytes) {
    throw Error(ErrorKind::k_usage, "a name in an archive has 1 to 100 bytes");
  }
  Block block{};
  put(block, k_name, name);
  put_octal(block, k_mode, 0644);
  put_octal(block, k_user, 0);
  put_octal(block, k_group, 0);
  put_size(block, bytes);
  put_octal(block, k_time, 0);
  block[k_type] = '0';
  put(block, k_magic, k_ustar);
  put_octal(block, {k_checksum.begin, k_checksum.bytes - 1}, checksum_of(block));
  block[k_checksum.begin + k_checksum.bytes - 1] = ' ';
  return {block.data(), block.size()};
}

std::string tar_padding(std::uint64_t bytes) { return std::string(padding_of(bytes), '\0'); }

std::string tar_end() { return std::string(2 * k_block, '\0'); }

bool looks_like_tar(std::string_view begin) {
  return begin.size() >= k_block && begin.substr(k_magic.begin, 5) == "ustar";
}

TarReader::TarReader(Read read, std::string name)
    : m_read(std::move(read)), m_name(std::move(name)) {}

std::optional<TarReader::Member> TarReader::next() {
  std::array<std::byte, k_block> rest;
  while (m_left > 0) read(rest);
  fill(std::span(rest).first(static_cast<std::size_t>(std::exchange(m_padding, 0))));
  if (m_ended) return std::nullopt;
  Block block;
  fill(std::as_writable_bytes(std::span(block)));
  if (is_zero(block)) {
    finish();
    return std::nullopt;
  }
  const std::string_view magic = text_of(block, k_magic);
  if (magic != k_ustar && magic != k_old_gnu) refuse("is not an archive in the ustar format");
  if (octal(text_of(block, k_checksum)) != checksum_of(block)) {
    refuse("the checksum of a header does not match");
  }
  Member member{.name = up_to_zero(text_of(block, k_name)), .bytes = 0};
  if (magic == k_ustar && block[k_prefix.begin] != '\0') {
    member.name = up_to_zero(text_of(block, k_prefix)) + "/" + member.name;
  }
  if (block[k_type] != '0' && block[k_type] != '\0') {
    refuse(member.name + " is not a regular file");
  }
  const auto bytes = size_of(block);
  if (!bytes) refuse(member.name + " has a size that is none");
  member.bytes = m_left = *bytes;
  m_padding = padding_of(*bytes);
  return member;
}

std::size_t TarReader::read(std::span<std::byte> buffer) {
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(m_left, buffer.size()));
  fill(buffer.first(bytes));
  m_left -= bytes;
  return bytes;
}

void TarReader::fill(std::span<std::byte> buffer) {
  if (!buffer.empty() && m_read(buffer) != buffer.size()) refuse("breaks off in the middle");
}

// A second block of zeros, and nothing but zeros after it.
void TarReader::finish() {
  m_ended = true;
  Block block;
  const auto bytes = std::as_writable_bytes(std::span(block));
  fill(bytes);
  for (std::size_t got = k_block; got == k_block; block.fill(0), got = m_read(bytes)) {
    if (!is_zero(block)) refuse("goes on behind its end");
  }
  if (!is_zero(block)) refuse("goes on behind its end");
}

void TarReader::refuse(const std::string& why) const {
  throw Error(ErrorKind::k_io, m_name + ": " + why);
}

}  // namespace vecdb
