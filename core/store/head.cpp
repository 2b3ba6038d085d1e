#include "store/head.h"

#include <charconv>
#include <string_view>

#include "base/sha256.h"
#include "store/damage.h"
#include "store/format.h"
#include "store/layout.h"

namespace vecdb {

namespace {

constexpr std::string_view k_magic = "vecdb store\nformat ";
constexpr std::string_view k_checksum_key = "sha256 ";
constexpr std::size_t k_checksum_line = k_checksum_key.size() + 64 + 1;
constexpr std::uint64_t k_max_bytes = 4096;

std::string with_checksum(std::string text) {
  const std::string checksum = sha256_hex(text);
  return text.append(k_checksum_key).append(checksum).append("\n");
}

std::string serialise(const Head& head, std::int64_t format) {
  return with_checksum(std::string(k_magic) + std::to_string(format) + "\nstore " + head.store +
                       "\ngeneration " + std::to_string(head.generation) + "\n");
}

bool is_whole(const std::string& text) {
  return text.size() >= k_checksum_line && text.starts_with(k_magic) &&
         text == with_checksum(text.substr(0, text.size() - k_checksum_line));
}

// The word after `key` on the line that starts with it.
std::string_view value_of(std::string_view text, std::string_view key) {
  const auto found = text.find(key);
  if (found == std::string_view::npos) return {};
  text.remove_prefix(found + key.size());
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::optional<Head> read_head(const std::filesystem::path& file, std::int64_t format) {
  if (is_lost(file)) return std::nullopt;
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (!error && size > k_max_bytes) throw damaged(file, "is longer than a HEAD can be");
  const std::string text = read_file(file, k_max_bytes);
  if (!is_whole(text)) throw damaged(file, "its checksum does not match");
  const std::string_view found = value_of(text, "\nformat ");
  if (found != std::to_string(format)) throw of_other_format(file, std::string(found));

  Head head;
  head.store = value_of(text, "\nstore ");
  const std::string_view digits = value_of(text, "\ngeneration ");
  std::from_chars(digits.data(), digits.data() + digits.size(), head.generation);
  if (serialise(head, format) != text) throw damaged(file, "is not laid out as its format asks");
  return head;
}

std::string format_of_head(const std::filesystem::path& file) {
  try {
    const std::string text = read_file(file, k_max_bytes);
    return is_whole(text) ? std::string(value_of(text, "\nformat ")) : std::string();
  } catch (const Error&) {
    return {};
  }
}

bool looks_like_head(const std::filesystem::path& file) {
  try {
    return read_file(file, k_max_bytes).starts_with(k_magic);
  } catch (const Error&) {
    return false;
  }
}

std::string head_text(const Head& head) { return serialise(head, k_store_format); }

PendingHead::PendingHead(const std::filesystem::path& file, const Head& head) : m_file(file) {
  m_file.write(head_text(head));
}

}  // namespace vecdb
