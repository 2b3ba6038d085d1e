#include "text/load/loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "base/sha256.h"

namespace fs = std::filesystem;
using vecdb::Document;
using vecdb::Error;
using vecdb::Loaded;
using vecdb::Skipped;
using namespace std::string_literals;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "vecdb-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    m_path = name;
  }
  ~TemporaryFolder() { fs::remove_all(m_path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  fs::path path() const { return m_path; }
  fs::path write(const fs::path& name, const std::string& content) const {
    fs::create_directories((m_path / name).parent_path());
    std::ofstream(m_path / name, std::ios::binary) << content;
    return m_path / name;
  }

 private:
  fs::path m_path;
};

std::string reason(const Loaded& loaded) {
  REQUIRE(std::holds_alternative<Skipped>(loaded));
  return std::get<Skipped>(loaded).reason;
}

std::vector<std::string> names(const std::vector<fs::path>& files, const fs::path& root) {
  std::vector<std::string> result;
  for (const auto& file : files) result.push_back(file.lexically_relative(root).string());
  return result;
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
  CHECK(vecdb::SourceCursor(document.decoded.map, "").range_of(0, 1) == vecdb::ByteRange{3, 4});
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
  CHECK(reason(vecdb::load_file(path)).find("is larger than the limit of 268435456 bytes") == 0);
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

TEST_CASE("a folder stands for the files below it in byte order") {
  const TemporaryFolder folder;
  for (const char* name :
       {"b/z.txt", "b.txt", "a.txt", "b/A.txt", "é.txt", ".hidden", ".git/x", "b/.also/y"}) {
    folder.write(name, "text");
  }
  fs::create_symlink(folder.path() / "a.txt", folder.path() / "link.txt");
  fs::create_directory_symlink(folder.path(), folder.path() / "b" / "loop");
  std::vector<Skipped> skipped;
  const auto files = vecdb::list_files(folder.path(), skipped);
  CHECK(names(files, folder.path()) ==
        std::vector<std::string>{"a.txt", "b.txt", "b/A.txt", "b/z.txt", "é.txt"});
  CHECK(skipped.empty());
}

TEST_CASE("special files and stray names in a folder are named as skipped") {
  const TemporaryFolder folder;
  folder.write("sub/bad\xFFname", "text");
  REQUIRE(::mkfifo((folder.path() / "fifo").c_str(), 0600) == 0);
  std::vector<Skipped> skipped;
  CHECK(vecdb::list_files(folder.path(), skipped).empty());
  REQUIRE(skipped.size() == 2);
  CHECK(skipped[0].uri == (folder.path() / "fifo").string());
  CHECK(skipped[0].reason == "is a FIFO, not a regular file");
  CHECK(skipped[1].uri == (folder.path() / "sub").string() + "/bad\\xFFname");
  CHECK(skipped[1].reason == "has a name that is not UTF-8");
}

TEST_CASE("a folder that cannot be listed is named as skipped") {
  const TemporaryFolder folder;
  folder.write("closed/a.txt", "text");
  folder.write("open.txt", "text");
  fs::permissions(folder.path() / "closed", fs::perms::none);
  std::vector<Skipped> skipped;
  const auto files = vecdb::list_files(folder.path(), skipped);
  if (::geteuid() != 0) {  // root may list everything
    CHECK(names(files, folder.path()) == std::vector<std::string>{"open.txt"});
    REQUIRE(skipped.size() == 1);
    CHECK(skipped[0].reason == "cannot be listed: Permission denied");
  }
  fs::permissions(folder.path() / "closed", fs::perms::owner_all);
}

TEST_CASE("a file stands for itself, also when hidden") {
  const TemporaryFolder folder;
  const auto path = folder.write(".hidden", "text");
  std::vector<Skipped> skipped;
  CHECK(vecdb::list_files(path, skipped) == std::vector<fs::path>{path});
}

TEST_CASE("a path that does not exist is an error") {
  std::vector<Skipped> skipped;
  CHECK_THROWS_AS(vecdb::list_files("/no/such/folder", skipped), Error);
}
