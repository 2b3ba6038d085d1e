#include "text/load/loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/sha256.h"
#include "temporary_folder.h"

namespace fs = std::filesystem;
using vecdb::Document;
using vecdb::Error;
using vecdb::Loaded;
using vecdb::Skipped;
using vecdb::test::TemporaryFolder;
using namespace std::string_literals;

namespace {

std::string reason(const Loaded& loaded) {
  REQUIRE(std::holds_alternative<Skipped>(loaded));
  return std::get<Skipped>(loaded).reason;
}

}  // namespace

TEST_CASE("a file becomes a document with its bytes untouched") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.txt", "é\r\n b");
  const auto loaded = vecdb::load_file(path);
  const auto& document = std::get<Document>(loaded);
  CHECK(document.uri == path.string());
  CHECK(document.sections.at(0).text == "é\r\n b");
  CHECK(document.sha256 == vecdb::sha256_hex("é\r\n b"));
  REQUIRE(document.stamp);
  CHECK(document.stamp->size == 6);
}

TEST_CASE("a byte order mark of UTF-8 is left out of the text, not of the hash") {
  const auto loaded = vecdb::load_bytes("-", "\xEF\xBB\xBF"s + "a");
  const auto& document = std::get<Document>(loaded);
  CHECK(document.uri == "-");
  CHECK(document.sections.at(0).text == "a");
  CHECK(vecdb::SourceCursor(document.decoded.map, "").range_of(0, 1) == vecdb::SourceRange{3, 4});
  CHECK(document.sha256 == vecdb::sha256_hex("\xEF\xBB\xBF"s + "a"));
  CHECK_FALSE(document.stamp);
}

TEST_CASE("content that is no UTF-8 text is skipped with the reason") {
  const auto skip = [](std::string bytes) {
    return reason(vecdb::load_bytes("x", std::move(bytes)));
  };
  CHECK(skip("") == "is empty");
  CHECK(skip("\xEF\xBB\xBF") == "is empty");
  const std::string advice = "; if it is text, name its encoding with --encoding";
  CHECK(skip("0123456789abcdefg\xFFh") == "is not UTF-8: byte 17" + advice);
  CHECK(skip("\xEF\xBB\xBF\xC0") == "is not UTF-8: byte 3");
  CHECK(skip("cut \xE2\x82") == "is not UTF-8: byte 4" + advice);
  CHECK(skip("\xED\xA0\x80") == "is not UTF-8: byte 0" + advice);
  CHECK(skip("ab\0c"s) == "is binary: NUL at byte 2");
}

TEST_CASE("what is not a readable regular file is skipped without blocking") {
  const TemporaryFolder folder;
  CHECK(reason(vecdb::load_file(folder.path())) == "is a folder, not a file");
  const auto fifo = folder.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(reason(vecdb::load_file(fifo)) == "is a FIFO, not a regular file");
  CHECK(reason(vecdb::load_file("/dev/null")) == "is a device, not a regular file");
  CHECK(reason(vecdb::load_file(folder.path() / "none")) ==
        "cannot open: No such file or directory; check the path");
  CHECK(reason(vecdb::load_file(folder.write("bad\xFF", "a"))) == "has a name that is not UTF-8");
}

TEST_CASE("a file over the limit is skipped before it is read") {
  const TemporaryFolder folder;
  const auto path = folder.write("big", "a");
  fs::resize_file(path, vecdb::k_max_document_bytes + 1);
  CHECK(reason(vecdb::load_file(path)).find("is larger than --max-file-size") == 0);
}

TEST_CASE("a path to a symbolic link is followed and keeps its name") {
  const TemporaryFolder folder;
  folder.write("target", "a");
  fs::create_symlink("target", folder.path() / "link");
  const auto loaded = vecdb::load_file(folder.path() / "link");
  CHECK(std::get<Document>(loaded).uri == (folder.path() / "link").string());
}

TEST_CASE("a uri is absolute and normalised") {
  CHECK(vecdb::uri_of("/a/./b/../c.txt") == "/a/c.txt");
  CHECK(vecdb::uri_of("x.txt") == (fs::current_path() / "x.txt").string());
}

TEST_CASE("a pipe is read to its end") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const vecdb::FileDescriptor out(ends[0]);
  REQUIRE(::write(ends[1], "one two", 7) == 7);
  ::close(ends[1]);
  CHECK(vecdb::read_to_end(out.get(), "stdin") == "one two");
  CHECK(vecdb::read_to_end(out.get(), "stdin").empty());
  CHECK_THROWS_AS(vecdb::read_to_end(-1, "stdin"), Error);
}

TEST_CASE("a large file is read whole") {
  const TemporaryFolder folder;
  const std::string content(5'000'000, 'x');
  const auto loaded = vecdb::load_file(folder.write("large", content));
  CHECK(std::get<Document>(loaded).sections.at(0).text == content);
}
