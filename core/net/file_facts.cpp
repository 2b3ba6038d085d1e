#include "net/file_facts.h"

#include <charconv>

#include "base/file.h"
#include "base/git_blob.h"
#include "base/hex.h"
#include "base/sha256.h"

namespace vecdb {

namespace {

// W/"abc" -> abc
std::string opaque_tag(std::string tag) {
  if (tag.starts_with("W/")) tag.erase(0, 2);
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"')
    tag = tag.substr(1, tag.size() - 2);
  return tag;
}

// "bytes 5-9/10" -> "10"
std::string total_of(const std::string& content_range) {
  const auto slash = content_range.rfind('/');
  return slash == std::string::npos ? "" : content_range.substr(slash + 1);
}

}  // namespace

void FileFacts::complete_with(const FileFacts& other) {
  if (!size) size = other.size;
  if (has_hash()) return;
  sha256 = other.sha256;
  git_blob = other.git_blob;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return size;
}

FileFacts facts_of(const HttpHead& head) {
  FileFacts facts;
  const std::string linked = opaque_tag(head.field("x-linked-etag"));
  const bool has_file = head.status == 200 || head.status == 206;  // not a redirect's own text
  const std::string own = has_file ? opaque_tag(head.field("etag")) : "";
  const std::string& tag = linked.empty() ? own : linked;
  if (is_hex(tag, 64)) facts.sha256 = tag;
  if (is_hex(tag, 40) && !head.field("x-repo-commit").empty()) facts.git_blob = tag;
  facts.size = parse_size(head.field("x-linked-size"));
  if (!facts.size && head.status == 200) facts.size = parse_size(head.field("content-length"));
  if (!facts.size && head.status == 206)
    facts.size = parse_size(total_of(head.field("content-range")));
  return facts;
}

std::optional<FetchedFile> check_file(const std::filesystem::path& path, const FileFacts& facts,
                                      std::string* why) {
  const MappedFile file(path);
  const FetchedFile found{file.bytes().size(), sha256_hex(file.bytes())};
  const auto differs = [&](const std::string& what, const std::string& is,
                           const std::string& stated) -> std::optional<FetchedFile> {
    if (why != nullptr) *why = "its " + what + " is " + is + ", not " + stated;
    return std::nullopt;
  };
  if (facts.size && *facts.size != found.size) {
    return differs("size", std::to_string(found.size), std::to_string(*facts.size));
  }
  if (!facts.sha256.empty() && facts.sha256 != found.sha256) {
    return differs("SHA-256", found.sha256, facts.sha256);
  }
  if (facts.git_blob.empty()) return found;
  const std::string blob = git_blob_id(file.bytes());
  return blob == facts.git_blob ? found : differs("git SHA-1", blob, facts.git_blob);
}

}  // namespace vecdb
