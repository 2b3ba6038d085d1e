#include "text/load/ignore_rules.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "temporary_folder.h"
#include "walk_fixture.h"

namespace fs = std::filesystem;
using vecdb::WalkOptions;
using vecdb::test::Names;
using vecdb::test::TemporaryFolder;
using vecdb::test::walk;

namespace {

void write_all(const TemporaryFolder& folder, const Names& names) {
  for (const auto& name : names) folder.write(name, "text");
}

}  // namespace

TEST_CASE("ignore files hold in their folder and below, also outside of a repository") {
  const TemporaryFolder folder;
  write_all(folder, {"a.log", "a.txt", "sub/b.log", "sub/b.txt", "sub/deep/c.txt"});
  folder.write(".gitignore", "*.log\n");
  folder.write("sub/.gitignore", "/b.txt\n");
  CHECK(walk(folder.path()) == Names{"a.txt", "sub/deep/c.txt"});
  WalkOptions all;
  all.ignore_files = vecdb::IgnoreFiles::k_disregard;
  CHECK(walk(folder.path(), all).size() == 5);
}

TEST_CASE("a deeper file goes before one above, .vecdbignore before .gitignore") {
  const TemporaryFolder folder;
  write_all(folder, {"a.log", "sub/a.log", "sub/b.log"});
  folder.write(".gitignore", "*.log\n");
  folder.write("sub/.gitignore", "!a.log\n");
  CHECK(walk(folder.path()) == Names{"sub/a.log"});
  folder.write(".vecdbignore", "!*.log\n");
  CHECK(walk(folder.path()) == Names{"a.log", "sub/a.log", "sub/b.log"});
  folder.write("sub/.vecdbignore", "a.log\n");
  CHECK(walk(folder.path()) == Names{"a.log", "sub/b.log"});
}

TEST_CASE("what lies in an excluded folder cannot be taken again") {
  const TemporaryFolder folder;
  write_all(folder, {"build/keep.txt", "out/keep.txt"});
  folder.write(".gitignore", "build/\n!build/keep.txt\nout/*\n!out/keep.txt\n");
  folder.write("build/.gitignore", "!*\n");
  CHECK(walk(folder.path()) == Names{"out/keep.txt"});
}

TEST_CASE("the rules above the walked folder hold up to the repository's root") {
  const TemporaryFolder folder;
  write_all(folder,
            {"repo/src/a.o", "repo/src/a.c", "repo/src/a.tmp", "repo/src/a.out", "repo/src/x"});
  folder.write(".gitignore", "x\n");
  folder.write("repo/.git/info/exclude", "*.tmp\n");
  folder.write("repo/.gitignore", "*.o\n/src/a.out\n");
  CHECK(walk(folder.path() / "repo/src") == Names{"a.c", "x"});
  CHECK(walk(folder.path() / "repo") == Names{"src/a.c", "src/x"});
  fs::remove_all(folder.path() / "repo/.git");
  CHECK(walk(folder.path() / "repo/src") == Names{"a.c", "a.o", "a.out", "a.tmp", "x"});
}

TEST_CASE("git's rules end at a repository inside, .vecdbignore's do not") {
  const TemporaryFolder folder;
  write_all(folder, {"a.log", "b.bin", "inner/a.log", "inner/b.bin", "inner/.git/HEAD"});
  folder.write(".gitignore", "*.log\n");
  folder.write(".vecdbignore", "*.bin\n");
  CHECK(walk(folder.path()) == Names{"inner/a.log"});
}

TEST_CASE("a folder that is named is walked although a rule above excludes it") {
  const TemporaryFolder folder;
  write_all(folder, {"build/a.txt", "build/a.log"});
  fs::create_directory(folder.path() / ".git");
  folder.write(".gitignore", "build/\n*.log\n");
  CHECK(walk(folder.path() / "build") == Names{"a.txt"});
}

TEST_CASE("an ignore file that cannot be used is told, and the walk goes on") {
  const TemporaryFolder folder;
  write_all(folder, {"a/x", "b/x", "c/x"});
  REQUIRE(::mkfifo((folder.path() / "a/.gitignore").c_str(), 0600) == 0);
  folder.write("b/.vecdbignore", std::string((1U << 20U) + 1, '\n'));
  fs::create_directory(folder.path() / "c/.gitignore");
  const Names found = walk(folder.path());
  REQUIRE(found.size() == 5);
  CHECK(found[0] == "a/.gitignore: its patterns do not hold: it is a FIFO, not a regular file");
  CHECK(found[1] == "a/x");
  CHECK(found[2].starts_with("b/.vecdbignore: its patterns do not hold: it is larger than"));
  CHECK(Names(found.begin() + 3, found.end()) == Names{"b/x", "c/x"});
}
