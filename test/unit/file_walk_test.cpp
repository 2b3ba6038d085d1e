#include "text/load/file_walk.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "temporary_folder.h"
#include "walk_fixture.h"

namespace fs = std::filesystem;
using vecdb::FileWalk;
using vecdb::FoundFile;
using vecdb::Skipped;
using vecdb::WalkOptions;
using vecdb::test::Names;
using vecdb::test::TemporaryFolder;
using vecdb::test::walk;

namespace {

WalkOptions with(void (*change)(WalkOptions&)) {
  WalkOptions options;
  change(options);
  return options;
}

const auto k_hidden = [](WalkOptions& options) { options.hidden = vecdb::HiddenFiles::k_take; };
const auto k_follow = [](WalkOptions& options) { options.links = vecdb::FolderLinks::k_follow; };

}  // namespace

TEST_CASE("a walk yields the files below a folder in byte order of their paths") {
  const TemporaryFolder folder;
  for (const char* name : {"b/z.txt", "b.txt", "a.txt", "b/A.txt", "b-c/x", "b0", "é.txt",
                           ".hidden", ".git/x", "b/.also/y"}) {
    folder.write(name, "text");
  }
  fs::create_directory(folder.path() / "empty");
  fs::create_symlink(folder.path() / "a.txt", folder.path() / "link.txt");
  fs::create_directory_symlink(folder.path(), folder.path() / "b" / "loop");
  CHECK(walk(folder.path()) ==
        Names{"a.txt", "b-c/x", "b.txt", "b/A.txt", "b/z.txt", "b0", "é.txt"});
}

TEST_CASE("a walk tells size and age of a file") {
  const TemporaryFolder folder;
  folder.write("a", "12345");
  const WalkOptions options;
  FileWalk files(folder.path(), options);
  const auto found = files.next();
  REQUIRE(found);
  CHECK(std::get<FoundFile>(*found).stamp.size == 5);
  CHECK(std::get<FoundFile>(*found).stamp == vecdb::stamp_of(folder.path() / "a"));
  CHECK_FALSE(files.next());
  CHECK_FALSE(files.next());
}

TEST_CASE("a relative root keeps its files' paths relative") {
  const TemporaryFolder folder;
  folder.write("sub/a", "text");
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  const WalkOptions options;
  FileWalk files("./sub/", options);
  const auto found = files.next();
  fs::current_path(before);
  REQUIRE(found);
  CHECK(std::get<FoundFile>(*found).path == "./sub/a");
}

TEST_CASE("hidden files are taken when asked for, .git is not") {
  const TemporaryFolder folder;
  for (const char* name : {".a", ".b/c", ".git/config", "sub/.git/config"}) folder.write(name, "x");
  CHECK(walk(folder.path()).empty());
  CHECK(walk(folder.path(), with(k_hidden)) == Names{".a", ".b/c"});
  auto all = with(k_hidden);
  all.ignore_files = vecdb::IgnoreFiles::k_disregard;
  CHECK(walk(folder.path(), all) == Names{".a", ".b/c", ".git/config", "sub/.git/config"});
}

TEST_CASE("special files and stray names are skipped in their place in the order") {
  const TemporaryFolder folder;
  folder.write("b.txt", "text");
  folder.write("sub/bad\xFFname", "text");
  folder.write("new\nline", "text");
  REQUIRE(::mkfifo((folder.path() / "fifo").c_str(), 0600) == 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (folder.path() / "a.sock").c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(socket);
  CHECK(walk(folder.path()) == Names{"a.sock: is a socket, not a regular file", "b.txt",
                                     "fifo: is a FIFO, not a regular file", "new\nline",
                                     "sub/bad\\xFFname: has a name that is not UTF-8"});
}

TEST_CASE("what vanishes while a walk is under way is skipped with the reason") {
  const TemporaryFolder folder;
  for (const char* name : {"a", "b", "c/d", "e"}) folder.write(name, "text");
  const WalkOptions options;
  FileWalk files(folder.path(), options);
  CHECK(std::get<FoundFile>(files.next().value()).path.filename() == "a");
  fs::remove(folder.path() / "b");
  fs::remove_all(folder.path() / "c");
  const Skipped b = std::get<Skipped>(files.next().value());
  CHECK(b.uri == (folder.path() / "b").string());
  CHECK(b.reason == "cannot read its status: No such file or directory; check the path");
  const Skipped c = std::get<Skipped>(files.next().value());
  CHECK(c.uri == (folder.path() / "c").string());
  CHECK(c.reason == "cannot be listed: No such file or directory");
  CHECK(std::get<FoundFile>(files.next().value()).path.filename() == "e");
  CHECK_FALSE(files.next());
}

TEST_CASE("a folder that cannot be listed is skipped with the reason") {
  const TemporaryFolder folder;
  folder.write("closed/a.txt", "text");
  folder.write("open.txt", "text");
  fs::permissions(folder.path() / "closed", fs::perms::none);
  const Names names = walk(folder.path());
  fs::permissions(folder.path() / "closed", fs::perms::owner_all);
  if (::geteuid() == 0) return;  // root may list everything
  CHECK(names == Names{"closed: cannot be listed: Permission denied", "open.txt"});
}

TEST_CASE("links are followed when asked for, and never round in circles") {
  const TemporaryFolder folder;
  folder.write("a/one", "text");
  folder.write("target/two", "text");
  fs::create_directory_symlink(folder.path() / "target", folder.path() / "a" / "link");
  fs::create_directory_symlink("..", folder.path() / "a" / "up");
  fs::create_directory_symlink(folder.path() / "a", folder.path() / "target" / "back");
  fs::create_symlink("nothing", folder.path() / "broken");
  fs::create_symlink("self", folder.path() / "self");
  fs::create_symlink("a/one", folder.path() / "file");
  CHECK(walk(folder.path()) == Names{"a/one", "target/two"});
  const std::string loop = ": is a symbolic link to a folder that it lies in";
  CHECK(walk(folder.path(), with(k_follow)) ==
        Names{"a/link/back" + loop, "a/link/two", "a/one", "a/up" + loop,
              "broken: is gone, or a symbolic link that leads nowhere", "file",
              "self: cannot read its status", "target/back/link" + loop, "target/back/one",
              "target/back/up" + loop, "target/two"});
}

TEST_CASE("a store is never walked into, whatever its name") {
  const TemporaryFolder folder;
  for (const char* name : {".vecdb/catalog.db", ".vecdb/HEAD", ".vecdb/segments/1.faiss",
                           "mine/catalog.db", "mine/LOCK", "other/catalog.db", "text"}) {
    folder.write(name, "text");
  }
  CHECK(walk(folder.path(), with(k_hidden)) == Names{"other/catalog.db", "text"});
  const WalkOptions options;
  for (const char* name : {"mine", "mine/", ".vecdb/segments"}) {
    FileWalk files(folder.path() / name, options);
    CHECK(std::get<Skipped>(files.next().value()).reason == "belongs to a store of vecdb");
    CHECK_FALSE(files.next());
  }
  CHECK(vecdb::belongs_to_store(folder.path() / "mine" / "LOCK"));
  CHECK(vecdb::belongs_to_store(folder.path() / ".vecdb/segments/1.faiss"));
  CHECK_FALSE(vecdb::belongs_to_store(folder.path() / "text"));
}

TEST_CASE("include takes what matches and what lies in a folder that does") {
  const TemporaryFolder folder;
  for (const char* name :
       {"a.md", "a.txt", "docs/b.md", "docs/b.txt", "docs/tmp/c.txt", "x/d.txt"}) {
    folder.write(name, "text");
  }
  WalkOptions options;
  REQUIRE(options.include.add("*.md"));
  CHECK(walk(folder.path(), options) == Names{"a.md", "docs/b.md"});
  REQUIRE(options.include.add("docs/"));
  CHECK(walk(folder.path(), options) == Names{"a.md", "docs/b.md", "docs/b.txt", "docs/tmp/c.txt"});
  REQUIRE(options.include.add("!docs/tmp"));
  CHECK(walk(folder.path(), options) == Names{"a.md", "docs/b.md", "docs/b.txt"});
  REQUIRE(options.exclude.add("/docs/*.md"));
  CHECK(walk(folder.path(), options) == Names{"a.md", "docs/b.txt"});
}

TEST_CASE("patterns of the flags hold from the walked folder on") {
  const TemporaryFolder folder;
  for (const char* name : {"a", "sub/a", "sub/b"}) folder.write(name, "text");
  WalkOptions options;
  REQUIRE(options.exclude.add("/a"));
  CHECK(walk(folder.path(), options) == Names{"sub/a", "sub/b"});
  CHECK(walk(folder.path() / "sub", options) == Names{"b"});
}

TEST_CASE("a large folder is walked in order") {
  const TemporaryFolder folder;
  Names expected;
  for (int i = 0; i < 5000; ++i) {
    expected.push_back("f" + std::to_string(i));
    folder.write(expected.back(), "");
  }
  std::sort(expected.begin(), expected.end());
  CHECK(walk(folder.path()) == expected);
}
