#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <functional>
#include <iostream>

#include "base/error.h"
#include "store/store.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

namespace fs = std::filesystem;

// Runs the action in a process of its own, which ends without running destructors.
pid_t start(const std::function<void()>& action) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    action();
    ::_exit(0);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    ::_exit(1);
  }
}

int status_of(pid_t child) {
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_CASE("several processes may create and fill one store at once") {
  for (int round = 0; round < 10; ++round) {
    const TemporaryFolder folder;
    std::vector<pid_t> children;
    std::vector<NewDocument> documents;
    for (unsigned i = 0; i < 4; ++i) {
      documents.push_back(make_document("d" + std::to_string(i), 3, i));
      children.push_back(start([&] {
        auto writer = StoreWriter::open_or_create(folder.path(), k_settings, 30, nullptr);
        writer.commit(std::span(documents).last(1), {});
      }));
    }
    for (const pid_t child : children) CHECK(status_of(child) == 0);
    check_documents(StoreReader(folder.path()), documents);
    CHECK(verify_store(folder.path()).empty());
  }
}

TEST_CASE("a writer that dies without a word loses nothing that it committed") {
  const TemporaryFolder folder;
  make_store(folder.path());
  const auto document = std::vector{make_document("a", 3, 1)};
  const pid_t child = start([&] {
    auto writer = StoreWriter::open(folder.path(), 0, nullptr);
    writer.commit(document, {});
    ::raise(SIGKILL);
  });
  CHECK(WIFSIGNALED(status_of(child)));
  CHECK(fs::file_size(folder.path() / "catalog.db-wal") > 0);
  check_documents(StoreReader(folder.path()), document);
  CHECK(verify_store(folder.path()).empty());
  StoreWriter::open(folder.path(), 0, nullptr);
  CHECK(fs::file_size(folder.path() / "catalog.db-wal") == 0);
  check_documents(StoreReader(folder.path()), document);
}

TEST_CASE("a commit that runs out of space leaves the old state, and works when there is space") {
  const TemporaryFolder folder;
  std::vector<NewDocument> documents = {make_document("a", 3, 1), make_document("b", 200, 2)};
  make_store(folder.path()).commit(std::span(documents).first(1), {});
  const pid_t child = start([&] {
    ::signal(SIGXFSZ, SIG_IGN);  // a write past the limit then fails as on a full disk
    auto writer = StoreWriter::open(folder.path(), 0, nullptr);
    const rlimit small{.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    const rlimit none{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &small);
    try {
      writer.commit(std::span(documents).last(1), {});
      ::_exit(2);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::k_io) ::_exit(3);
    }
    ::setrlimit(RLIMIT_FSIZE, &none);
    if (segment_files(folder.path()).size() != 1) ::_exit(4);
    if (!holds_exactly(StoreReader(folder.path()), {documents[0]})) ::_exit(5);
    writer.commit(std::span(documents).last(1), {});
  });
  CHECK(status_of(child) == 0);
  check_documents(StoreReader(folder.path()), documents);
  CHECK(verify_store(folder.path()).empty());
}

TEST_CASE("readers see whole generations while a writer in another process replaces documents") {
  const TemporaryFolder folder;
  make_store(folder.path()).commit(std::vector{make_document("a", 3, 0)}, {});
  const pid_t child = start([&] {
    auto writer = StoreWriter::open(folder.path(), 0, nullptr);
    for (unsigned i = 1; i <= 60; ++i) writer.commit(std::vector{make_document("a", 3, i)}, {});
  });
  for (unsigned generation = 0; generation < 61;) {
    const StoreReader reader(folder.path());
    const auto next = static_cast<unsigned>(reader.stats().generation);
    CHECK(next >= generation);
    check_documents(reader, {make_document("a", 3, next - 1)});
    generation = next;
  }
  CHECK(status_of(child) == 0);
}

TEST_CASE("a folder that may not be written to can be read") {
  if (::geteuid() != 0) return;  // only root can become another user
  for (const bool with_log_files : {true, false}) {
    const TemporaryFolder folder;
    const auto documents = std::vector{make_document("a", 3, 1)};
    make_store(folder.path()).commit(documents, {});
    if (!with_log_files) {
      fs::remove(folder.path() / "catalog.db-wal");
      fs::remove(folder.path() / "catalog.db-shm");
    }
    REQUIRE(::chmod(folder.path().parent_path().c_str(), 0755) == 0);
    const pid_t child = start([&] {
      if (::setuid(65534) != 0) ::_exit(2);
      if (!holds_exactly(StoreReader(folder.path()), documents)) ::_exit(3);
      if (!verify_store(folder.path()).empty()) ::_exit(4);
    });
    CAPTURE(with_log_files);
    CHECK(status_of(child) == 0);
  }
}
