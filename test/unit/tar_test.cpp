#include "base/tar.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

using Catch::Matchers::Contains;
using vecdb::Error;
using vecdb::ErrorKind;
using vecdb::TarReader;
using namespace std::string_literals;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;  // names and contents

TarReader::Read from(std::string_view bytes) {
  return [rest = bytes](std::span<std::byte> buffer) mutable {
    const std::size_t got = std::min(buffer.size(), rest.size());
    if (got > 0) std::memcpy(buffer.data(), rest.data(), got);
    rest.remove_prefix(got);
    return got;
  };
}

Members read_all(std::string_view archive, std::size_t at_once = 300) {
  TarReader reader(from(archive), "a.tar");
  Members members;
  std::vector<std::byte> buffer(at_once);
  while (const auto member = reader.next()) {
    auto& [name, content] = members.emplace_back(member->name, "");
    while (const std::size_t got = reader.read(buffer)) {
      content.append(reinterpret_cast<const char*>(buffer.data()), got);
    }
    CHECK(content.size() == member->bytes);
  }
  return members;
}

std::string member(const std::string& name, const std::string& content) {
  return vecdb::tar_header(name, content.size()) + content + vecdb::tar_padding(content.size());
}

std::string write_all(const Members& members) {
  std::string archive;
  for (const auto& [name, content] : members) archive += member(name, content);
  return archive + vecdb::tar_end();
}

// Gives the first header the checksum that fits it.
std::string signed_again(std::string archive) {
  archive.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (const char byte : archive.substr(0, 512)) sum += static_cast<unsigned char>(byte);
  for (std::size_t at = 154; at-- > 148; sum >>= 3U)
    archive[at] = static_cast<char>('0' + (sum & 7U));
  archive[154] = '\0';
  return archive;
}

// An archive of one member, in whose header `field` stands at `at`.
std::string with_field(std::size_t at, const std::string& field,
                       const std::string& content = "12345") {
  std::string archive = member("a", content) + vecdb::tar_end();
  archive.replace(at, field.size(), field);
  return signed_again(archive);
}

std::string with_size(const std::string& field) { return with_field(124, field); }

// Why an archive is refused; empty when it is not.
std::string refusal(std::string_view archive) {
  try {
    read_all(archive);
    return "";
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::k_io);
    CHECK_THAT(error.what(), Catch::Matchers::StartsWith("a.tar: "));
    return error.what();
  }
}

// What the size of the first member is read as, without reading it.
std::uint64_t size_of(const std::string& archive) {
  return TarReader(from(archive), "a.tar").next().value().bytes;
}

const Members k_some{{"HEAD", "vecdb store\n"},
                     {"LOCK", ""},
                     {"block", std::string(512, 'b')},
                     {"segments/000001-01234567.faiss", std::string(1300, '\xFF')},
                     {std::string(100, 'n'), "x"}};

}  // namespace

TEST_CASE("An archive that is written reads back, however much is read at once", "[tar]") {
  const std::string archive = write_all(k_some);
  CHECK(archive.size() % 512 == 0);
  CHECK(vecdb::looks_like_tar(archive));
  for (const std::size_t at_once : {1U, 511U, 512U, 513U, 100000U}) {
    CHECK(read_all(archive, at_once) == k_some);
  }
  CHECK(read_all(vecdb::tar_end()).empty());
}

TEST_CASE("What is not read of a member is passed over", "[tar]") {
  const std::string archive = write_all(k_some);
  TarReader reader(from(archive), "a.tar");
  std::vector<std::byte> buffer(7);
  for (const auto& [name, content] : k_some) {
    REQUIRE(reader.next()->name == name);
    CHECK(reader.read(buffer) == std::min<std::size_t>(7, content.size()));
  }
  CHECK(!reader.next());
  CHECK(!reader.next());
}

TEST_CASE("An archive that ends anywhere is refused", "[tar]") {
  const std::string archive = write_all(k_some);
  for (std::size_t length = 0; length < archive.size(); ++length) {
    INFO(length);
    const std::string why = refusal(std::string_view(archive).substr(0, length));
    CHECK_THAT(why, Contains("breaks off"));
  }
}

TEST_CASE("A header of which one byte is another is refused", "[tar]") {
  const std::string archive = write_all({{"HEAD", "content"}});
  for (std::size_t at = 0; at < 512; ++at) {
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string changed = archive;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      INFO(at << " ^ " << flip);
      // The checksum's own last byte may be any that ends a number.
      if (refusal(changed).empty()) {
        CHECK((at >= 148 && at < 156));
        CHECK(read_all(changed) == Members{{"HEAD", "content"}});
      }
    }
  }
}

TEST_CASE("A name is told as it stands, for the caller to judge", "[tar]") {
  const Members names{{"../evil", "x"}, {"/etc/evil", "x"}, {"a", "1"},
                      {"a", "2"},       {"a/../b", ""},     {".", ""}};
  CHECK(read_all(write_all(names)) == names);
  CHECK(read_all(with_field(345, "folder"))[0].first == "folder/a");
  CHECK(read_all(with_field(345, std::string(155, 'p')))[0].first == std::string(155, 'p') + "/a");
  CHECK(read_all(with_field(0, "a\0b"s))[0].first == "a");
  CHECK(read_all(with_field(0, std::string(100, '\xFF')))[0].first == std::string(100, '\xFF'));
}

TEST_CASE("A name is written only where it fits", "[tar]") {
  CHECK_THROWS_AS(vecdb::tar_header("", 0), Error);
  CHECK_THROWS_AS(vecdb::tar_header(std::string(101, 'n'), 0), Error);
}

TEST_CASE("Nothing but a regular file is taken", "[tar]") {
  CHECK(read_all(with_field(156, "\0"s)) == Members{{"a", "12345"}});
  for (const char kind : "1234567ABDEKLMNSVXgxz\x01\xFF"s) {
    CHECK_THAT(refusal(with_field(156, std::string(1, kind))), Contains("is not a regular file"));
  }
}

TEST_CASE("Only the two forms of ustar are taken", "[tar]") {
  CHECK(read_all(with_field(257, "ustar  \0"s)) == Members{{"a", "12345"}});
  for (const std::string& magic :
       {"ustar\0\x30\x31"s, "\0\0\0\0\0\0\0\0"s, "ustar\0  "s, "ustarX00"s, "USTAR\0\x30\x30"s}) {
    CHECK_THAT(refusal(with_field(257, magic)), Contains("ustar"));
  }
  CHECK_THAT(refusal(std::string(1024, 'x')), Contains("ustar"));
}

TEST_CASE("A size is read in every form that stands for one", "[tar]") {
  for (const std::string& size : {"00000000005\0"s, "          5 "s, "5\0\0\0\0\0\0\0\0\0\0\0"s,
                                  "000000000005"s, "\x80\0\0\0\0\0\0\0\0\0\0\x05"s}) {
    CHECK(read_all(with_size(size)) == Members{{"a", "12345"}});
  }
}

TEST_CASE("A size that is none is refused", "[tar]") {
  for (const std::string& size :
       {"\0\0\0\0\0\0\0\0\0\0\0\0"s, "            "s, "-0000000005\0"s, "00000000008\0"s,
        "0000000000x\0"s, "0000 000005\0"s, "0000\0000000\0"s, "+5         \0"s, "0x5        \0"s,
        std::string(12, '\xFF'), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFB"s,  // -1, -5
        "\x81\0\0\0\0\0\0\0\0\0\0\x05"s, "\xC0\0\0\0\0\0\0\0\0\0\0\x05"s,
        "\x80"s + std::string(11, '\xFF'), "\x80\x01\0\0\0\0\0\0\0\0\0\0"s,
        "\x80\0\0\0\x80\0\0\0\0\0\0\0"s}) {  // 2^63
    INFO(Catch::StringMaker<std::string>::convert(size));
    CHECK_THAT(refusal(with_size(size)), Contains("a size that is none"));
  }
}

TEST_CASE("Sizes of 8 GiB and more are written and read", "[tar]") {
  for (const std::uint64_t size :
       {(1ULL << 33U) - 1, 1ULL << 33U, (1ULL << 40U) + 12345, (1ULL << 63U) - 1}) {
    const std::string header = vecdb::tar_header("large", size);
    CHECK(size_of(header) == size);
    CHECK((header[124] == '\x80') == (size >= 1ULL << 33U));
    CHECK_THAT(refusal(header + "short"), Contains("breaks off"));
    CHECK(vecdb::tar_padding(size).size() == (512 - size % 512) % 512);
  }
  CHECK(size_of(with_size(std::string(12, '7'))) == (1ULL << 36U) - 1);
}

TEST_CASE("The size of an extended header counts for nothing, for none is taken", "[tar]") {
  const std::string record = "20 size=10737418240\n";
  CHECK_THAT(refusal(with_field(156, "x", record)), Contains("is not a regular file"));
}

TEST_CASE("Zeros may follow the end, and nothing else", "[tar]") {
  const std::string archive = write_all(k_some);
  for (const std::size_t zeros : {1U, 511U, 512U, 513U, 9216U}) {
    CHECK(read_all(archive + std::string(zeros, '\0')) == k_some);
    CHECK_THAT(refusal(archive + std::string(zeros, '\0') + "x"), Contains("behind its end"));
  }
  CHECK_THAT(refusal(archive + archive), Contains("behind its end"));
  // One block of zeros is not the end yet.
  const std::string one = archive.substr(0, archive.size() - 512);
  CHECK_THAT(refusal(one), Contains("breaks off"));
  CHECK_THAT(refusal(one + member("more", "x") + vecdb::tar_end()), Contains("behind its end"));
}
