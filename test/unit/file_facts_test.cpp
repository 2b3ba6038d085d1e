#include "net/file_facts.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/git_blob.h"
#include "base/sha256.h"
#include "net/http_client.h"

namespace {

using vecdb::FileFacts;
using vecdb::HttpHead;

const std::string k_sha256(64, 'a');
const std::string k_sha1(40, 'b');

HttpHead head(int status, std::vector<std::pair<std::string, std::string>> fields) {
  return {.status = status, .retry_after_seconds = 0, .fields = std::move(fields)};
}

}  // namespace

TEST_CASE("a file that is kept elsewhere is described by the linked fields of the redirect") {
  const auto facts = vecdb::facts_of(head(302, {{"etag", '"' + std::string(64, 'c') + '"'},
                                                {"content-length", "9"},
                                                {"x-linked-etag", '"' + k_sha256 + '"'},
                                                {"x-linked-size", "1234"}}));
  CHECK(facts.sha256 == k_sha256);
  CHECK(facts.git_blob.empty());
  CHECK(facts.size == 1234);
}

TEST_CASE("what a redirect says of its own text is not taken for the file's") {
  const auto facts =
      vecdb::facts_of(head(302, {{"etag", '"' + k_sha256 + '"'}, {"content-length", "9"}}));
  CHECK_FALSE(facts.has_hash());
  CHECK_FALSE(facts.size);
}

TEST_CASE("an ETag of 64 digits is a SHA-256, also a weak one") {
  for (const std::string& tag : {'"' + k_sha256 + '"', "W/\"" + k_sha256 + '"', k_sha256}) {
    CHECK(vecdb::facts_of(head(200, {{"etag", tag}})).sha256 == k_sha256);
  }
  for (const std::string& tag :
       {k_sha256 + "a", k_sha256.substr(1), std::string(64, 'g'), std::string(64, 'A'),
        std::string(), std::string("\""), std::string("W/")}) {
    CHECK_FALSE(vecdb::facts_of(head(200, {{"etag", tag}})).has_hash());
  }
}

TEST_CASE("an ETag of 40 digits is git's name of the content only where a commit is named") {
  CHECK_FALSE(vecdb::facts_of(head(200, {{"etag", k_sha1}})).has_hash());
  const auto facts = vecdb::facts_of(head(200, {{"etag", k_sha1}, {"x-repo-commit", "main"}}));
  CHECK(facts.git_blob == k_sha1);
}

TEST_CASE("the size of a part is the total of its range") {
  CHECK(vecdb::facts_of(head(206, {{"content-range", "bytes 5-9/10"}, {"content-length", "5"}}))
            .size == 10);
  CHECK_FALSE(vecdb::facts_of(head(206, {{"content-range", "bytes 5-9/*"}})).size);
  CHECK_FALSE(vecdb::facts_of(head(206, {{"content-length", "5"}})).size);
}

TEST_CASE("a size is digits and nothing else") {
  CHECK(vecdb::parse_size("0") == 0);
  CHECK(vecdb::parse_size("18446744073709551615") == 18446744073709551615U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616"}) {
    CHECK_FALSE(vecdb::parse_size(text));
  }
}

TEST_CASE("what is known already is not replaced") {
  FileFacts facts{.size = 3, .git_blob = k_sha1};
  facts.complete_with({.size = 4, .sha256 = k_sha256});
  CHECK(facts.size == 3);
  CHECK(facts.sha256.empty());
  FileFacts empty;
  empty.complete_with({.size = 4, .sha256 = k_sha256});
  CHECK(empty.size == 4);
  CHECK(empty.sha256 == k_sha256);
}

TEST_CASE("a file is compared with all that is stated of it") {
  const auto path =
      std::filesystem::temp_directory_path() / ("vecdb-file-facts-" + std::to_string(::getpid()));
  std::ofstream(path) << "hello\n";
  const std::string blob = "ce013625030ba8dba906f756967f9e9ca394464a";  // git hash-object
  const std::string sha256 = vecdb::sha256_hex("hello\n");
  std::string why;
  CHECK(vecdb::check_file(path, {.size = 6, .sha256 = sha256, .git_blob = blob})->sha256 == sha256);
  CHECK(vecdb::check_file(path, {})->size == 6);
  CHECK_FALSE(vecdb::check_file(path, {.size = 7}, &why));
  CHECK(why == "its size is 6, not 7");
  CHECK_FALSE(vecdb::check_file(path, {.size = {}, .sha256 = k_sha256}, &why));
  CHECK_FALSE(vecdb::check_file(path, {.size = {}, .sha256 = sha256, .git_blob = k_sha1}, &why));
  CHECK(why == "its git SHA-1 is " + blob + ", not " + k_sha1);
  std::filesystem::remove(path);
}

TEST_CASE("git names the empty content too") {
  CHECK(vecdb::git_blob_id({}) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST_CASE("all but plain characters are percent-encoded") {
  CHECK(vecdb::percent_encoded("refs/pr/1") == "refs%2Fpr%2F1");
  CHECK(vecdb::percent_encoded("v1.0_a-b~") == "v1.0_a-b~");
  CHECK(vecdb::percent_encoded("?#%\xC3\xA9") == "%3F%23%25%C3%A9");
}
