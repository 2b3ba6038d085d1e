// Input: a byte of options (below), one of how many bytes of a member are read at once, and an
// archive.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/tar.h"
#include "fuzz.h"

using namespace vecdb;
using fuzz::require;

namespace {

constexpr unsigned k_sign = 1;  // headers get the checksum that fits them
constexpr unsigned k_skip = 2;  // every other member is passed over

constexpr std::size_t k_block = 512;
constexpr std::size_t k_magic = 257;
constexpr std::size_t k_checksum = 148;

struct Member {
  std::string name;
  std::string content;
  std::uint64_t bytes = 0;

  friend bool operator==(const Member&, const Member&) = default;
};

void sign_header(char* block) {
  std::memset(block + k_checksum, ' ', 8);
  unsigned sum = 0;
  for (std::size_t i = 0; i < k_block; ++i) sum += static_cast<unsigned char>(block[i]);
  for (std::size_t at = k_checksum + 6; at-- > k_checksum; sum >>= 3U) {
    block[at] = static_cast<char>('0' + (sum & 7U));
  }
  block[k_checksum + 6] = '\0';
}

void sign_headers(fuzz::Parts::Bytes& archive) {
  for (std::size_t at = 0; at + k_block <= archive.size(); at += k_block) {
    if (std::memcmp(archive.data() + at + k_magic, "ustar", 5) == 0)
      sign_header(archive.data() + at);
  }
}

std::vector<Member> read_archive(std::string_view archive, std::size_t at_once, bool skips) {
  TarReader reader(
      [rest = archive](std::span<std::byte> buffer) mutable {
        const std::size_t got = std::min(buffer.size(), rest.size());
        if (got > 0) std::memcpy(buffer.data(), rest.data(), got);
        rest.remove_prefix(got);
        return got;
      },
      "fuzz.tar");
  std::vector<Member> members;
  std::vector<std::byte> buffer(at_once);
  while (const auto member = reader.next()) {
    members.push_back({.name = member->name, .content = "", .bytes = member->bytes});
    if (skips && members.size() % 2 == 0) continue;
    std::string& content = members.back().content;
    while (const std::size_t got = reader.read(buffer)) {
      content.append(reinterpret_cast<const char*>(buffer.data()), got);
    }
    require(content.size() == member->bytes, "a member has another size than it says");
  }
  require(!reader.next(), "an archive goes on behind its end");
  return members;
}

std::string write_archive(const std::vector<Member>& members) {
  std::string archive;
  for (const Member& member : members) {
    archive += tar_header(member.name, member.bytes) + member.content + tar_padding(member.bytes);
  }
  return archive + tar_end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Parts parts(data, size);
  const unsigned options = parts.byte();
  const std::size_t at_once = 1 + parts.byte() * std::size_t{7};
  auto archive = parts.rest();
  if ((options & k_sign) != 0) sign_headers(archive);
  const bool skips = (options & k_skip) != 0;
  const auto members = fuzz::unless_refused(
      ErrorKind::k_io, [&] { return read_archive(fuzz::view(archive), at_once, skips); });
  if (!members) return 0;
  std::uint64_t bytes = 0;
  for (const Member& member : *members) {
    require(member.bytes <= archive.size() - bytes, "the members are larger than the archive");
    bytes += member.bytes;
  }
  // A name of the format's two fields, or of none, is not one that is written here.
  const bool is_ours = std::ranges::all_of(*members, [](const Member& member) {
    return !member.name.empty() && member.name.size() <= 100;
  });
  if (skips || !is_ours) return 0;
  require(members->empty() || looks_like_tar(fuzz::view(archive)), "does not look like an archive");
  require(read_archive(write_archive(*members), at_once, false) == *members,
          "written and read, the members are others");
  return 0;
}
