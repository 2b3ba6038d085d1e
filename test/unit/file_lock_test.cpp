#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file_lock.h"
#include "temporary_folder.h"

using vecdb::FileLock;
using vecdb::test::TemporaryFolder;

namespace {

// The number of a process that has ended.
pid_t dead_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text << std::flush;
}

}  // namespace

TEST_CASE("who took the lock but has not signed yet is not mistaken for the one before") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "LOCK";
  const std::string dead = std::to_string(dead_process());
  const std::string alive = std::to_string(::getpid());
  for (const std::string& before : {dead + " (vecdb ingest old)\n", std::string()}) {
    write(path, before);
    const FileLock lock(path);
    std::thread late([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      write(path, alive + " (vecdb ingest new)\n");
    });
    CHECK(lock.holder() == "process " + alive + " (vecdb ingest new)");
    late.join();
  }
  write(path, dead + " (vecdb ingest far away)\n");
  CHECK(FileLock(path).holder() == "process " + dead + " (vecdb ingest far away)");
}

TEST_CASE("a lock whose file was removed is not in place, and a new one can be taken") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "LOCK";
  FileLock first(path);
  REQUIRE(first.try_lock(0));
  CHECK(first.is_in_place());
  std::filesystem::remove(path);
  CHECK_FALSE(first.is_in_place());
  FileLock second(path);
  REQUIRE(second.try_lock(0));
  CHECK(second.is_in_place());
  CHECK_FALSE(first.is_in_place());
}

TEST_CASE("a lock's file that each holder removes lets in one at a time") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "LOCK";
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        FileLock lock(path);
        if (!lock.try_lock(0)) continue;
        ++taken;
        most = std::max<int>(most, ++inside);
        --inside;
        ::unlink(path.c_str());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(taken > 0);
}
