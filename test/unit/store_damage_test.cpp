#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <random>

#include "base/error.h"
#include "store/store.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

namespace fs = std::filesystem;

// A store of some commits, with dead rows, that can be put back to what it was.
class Sample {
 public:
  Sample() {
    auto writer = make_store(path());
    writer.commit(std::vector{make_document("a", 3, 1), make_document("b", 4, 2)}, {});
    writer.commit(std::vector{make_document("c", 5, 3), make_document("b", 2, 4)}, {});
  }

  fs::path path() const { return m_folder.path(); }
  static std::vector<NewDocument> documents() {
    return {make_document("a", 3, 1), make_document("b", 2, 4), make_document("c", 5, 3)};
  }

 private:
  TemporaryFolder m_folder;
};

bool is_damage(const Error& error) { return error.kind() == ErrorKind::k_damaged; }

enum class Outcome { k_harmless, k_detected, k_detected_by_verify, k_unnoticed };

// What becomes of a reader that asks for everything, and of verify.
Outcome try_everything(const fs::path& store) {
  try {
    if (holds_exactly(StoreReader(store), Sample::documents())) return Outcome::k_harmless;
  } catch (const Error& error) {
    return is_damage(error) || error.kind() == ErrorKind::k_io ? Outcome::k_detected
                                                               : Outcome::k_unnoticed;
  }
  return verify_store(store).empty() ? Outcome::k_unnoticed : Outcome::k_detected_by_verify;
}

void check_damaged(const fs::path& store, const std::string& name) {
  CAPTURE(name);
  try {
    holds_exactly(StoreReader(store), Sample::documents());
    FAIL("no error");
  } catch (const Error& error) {
    CAPTURE(error.what());
    CHECK(is_damage(error));
    CHECK_THAT(error.what(), Catch::Contains(name));
    CHECK_THAT(error.what(), Catch::Contains("vecdb verify"));
  }
  const auto problems = verify_store(store);
  REQUIRE_FALSE(problems.empty());
  CHECK_THAT(problems[0], Catch::Contains(name));
}

void check_writer_refuses(const fs::path& store) {
  try {
    StoreWriter::open(store, 0, nullptr);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(is_damage(error));
  }
}

}  // namespace

TEST_CASE("every changed byte of a segment is noticed before it is searched") {
  const Sample sample;
  for (const fs::path& file : segment_files(sample.path())) {
    const std::string original = read_all(file);
    for (std::size_t i = 0; i < original.size(); ++i) {
      std::string changed = original;
      changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
      write_all(file, changed);
      CAPTURE(i);
      CHECK_THROWS_AS(StoreReader(sample.path()).propose(random_unit(1), 1), Error);
      CHECK(verify_store(sample.path()).size() == 1);
    }
    write_all(file, original);
  }
  check_documents(StoreReader(sample.path()), Sample::documents());
}

TEST_CASE("every changed byte of HEAD is noticed by readers and writers") {
  const Sample sample;
  const fs::path file = sample.path() / "HEAD";
  const std::string original = read_all(file);
  for (std::size_t i = 0; i < original.size(); ++i) {
    std::string changed = original;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    write_all(file, changed);
    CAPTURE(i);
    CHECK(try_everything(sample.path()) == Outcome::k_detected);
    CHECK(verify_store(sample.path()).size() == 1);
    check_writer_refuses(sample.path());
  }
}

TEST_CASE("a HEAD that has grown is damaged, however long it is") {
  const Sample sample;
  const std::string original = read_all(sample.path() / "HEAD");
  for (const std::size_t more : {1U, 4096U, 1U << 20U}) {
    write_all(sample.path() / "HEAD", original + std::string(more, ' '));
    check_damaged(sample.path(), "HEAD: ");
    check_writer_refuses(sample.path());
  }
}

TEST_CASE("a changed bit of the catalogue is noticed or changes no answer") {
  const Sample sample;
  const fs::path file = sample.path() / "catalog.db";
  const std::string original = read_all(file);
  std::mt19937 random(20240607);
  std::size_t detected = 0;
  std::size_t by_verify = 0;
  for (int round = 0; round < 300; ++round) {
    std::string changed = original;
    const std::size_t at = random() % changed.size();
    const int mask = round % 2 == 0 ? 1 << (random() % 8) : 1 + static_cast<int>(random() % 255);
    changed[at] = static_cast<char>(changed[at] ^ mask);
    write_all(file, changed);
    CAPTURE(round, at, mask);
    const Outcome outcome = try_everything(sample.path());
    CHECK(outcome != Outcome::k_unnoticed);
    detected += outcome == Outcome::k_detected ? 1 : 0;
    by_verify += outcome == Outcome::k_detected_by_verify ? 1 : 0;
  }
  CAPTURE(detected, by_verify);
  CHECK(detected > 0);
  CHECK(by_verify < detected / 10);
}

TEST_CASE("a changed bit of the write-ahead log is noticed or changes no answer") {
  const Sample sample;
  const TemporaryFolder copy;
  {
    const TemporaryFolder folder;  // a reader keeps the log from being emptied
    make_store(folder.path()).commit(std::vector{make_document("a", 3, 1)}, {});
    const StoreReader reader(folder.path());
    auto writer = make_store(folder.path());
    writer.commit(std::vector{make_document("b", 2, 4)}, {});
    writer.commit(std::vector{make_document("c", 5, 3)}, {});
    fs::copy(folder.path(), copy.path(), fs::copy_options::recursive);
  }
  const fs::path file = copy.path() / "catalog.db-wal";
  const std::string original = read_all(file);
  REQUIRE(original.size() > 10'000);
  std::mt19937 random(5);
  std::size_t detected = 0;
  for (int round = 0; round < 200; ++round) {
    std::string changed = original;
    const std::size_t at = round < 32 ? static_cast<std::size_t>(round) : random() % changed.size();
    changed[at] = static_cast<char>(changed[at] ^ (1 << (random() % 8)));
    write_all(file, changed);
    fs::remove(copy.path() / "catalog.db-shm");
    CAPTURE(round, at);
    const Outcome outcome = try_everything(copy.path());
    CHECK((outcome == Outcome::k_detected || outcome == Outcome::k_harmless));
    detected += outcome == Outcome::k_detected ? 1 : 0;
  }
  CHECK(detected > 100);
  write_all(file, original);
  fs::remove(copy.path() / "catalog.db-shm");
  check_documents(StoreReader(copy.path()), Sample::documents());
}

TEST_CASE("a segment that is cut, extended, zeroed, swapped or deleted is noticed") {
  const Sample sample;
  const auto files = segment_files(sample.path());
  const std::string original = read_all(files[0]);
  const std::string name = files[0].filename().string();
  const std::vector<std::string> contents = {"",
                                             original.substr(0, 44),
                                             original.substr(0, original.size() - 1),
                                             original + '\0',
                                             std::string(original.size(), '\0'),
                                             read_all(files[1])};
  for (const std::string& content : contents) {
    CAPTURE(content.size());
    write_all(files[0], content);
    check_damaged(sample.path(), name);
  }
  fs::remove(files[0]);
  check_damaged(sample.path(), name);
  write_all(files[0], original);
  check_documents(StoreReader(sample.path()), Sample::documents());
}

TEST_CASE("a catalogue that is cut, emptied, replaced or deleted is noticed and nothing is swept") {
  const Sample sample;
  const Sample other;
  const fs::path file = sample.path() / "catalog.db";
  const std::string original = read_all(file);
  for (const std::string& content :
       {std::string(), original.substr(0, original.size() / 2), std::string(original.size(), '\0'),
        std::string("not a database at all"), read_all(other.path() / "catalog.db")}) {
    CAPTURE(content.size());
    write_all(file, content);
    CHECK(try_everything(sample.path()) == Outcome::k_detected);
    CHECK_FALSE(verify_store(sample.path()).empty());
    check_writer_refuses(sample.path());
  }
  fs::remove(file);
  check_damaged(sample.path(), "catalog.db: is missing");
  check_writer_refuses(sample.path());
  CHECK_THROWS_AS(make_store(sample.path()), Error);
  CHECK(segment_files(sample.path()).size() == 2);
}

TEST_CASE("a catalogue older than HEAD is damaged and its newer segments are not swept") {
  const TemporaryFolder folder;
  make_store(folder.path()).commit(std::vector{make_document("a", 3, 1)}, {});
  const std::string old = read_all(folder.path() / "catalog.db");
  make_store(folder.path()).commit(std::vector{make_document("b", 3, 2)}, {});
  write_all(folder.path() / "catalog.db", old);
  check_damaged(folder.path(), "is older than HEAD");
  check_writer_refuses(folder.path());
  CHECK(segment_files(folder.path()).size() == 2);
}

TEST_CASE("a lost HEAD or one of another store is damage") {
  const Sample sample;
  const Sample other;
  fs::copy(other.path() / "HEAD", sample.path() / "HEAD", fs::copy_options::overwrite_existing);
  check_damaged(sample.path(), "HEAD: belongs to another store");
  fs::remove(sample.path() / "HEAD");
  check_damaged(sample.path(), "HEAD: is missing");
  check_writer_refuses(sample.path());
}

TEST_CASE("a store of another format is refused and left alone") {
  const auto [format, maker] = GENERATE(std::pair{1, "an older"}, std::pair{2, "an older"}, std::pair{4, "a newer"});
  const Sample sample;
  const fs::path file = sample.path() / "catalog.db";
  std::string catalogue = read_all(file);
  catalogue[63] = static_cast<char>(format);  // the last byte of SQLite's user_version
  write_all(file, catalogue);
  const auto refuse = [&, maker = maker](const std::function<void()>& action) {
    try {
      action();
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(is_damage(error));
      CHECK_THAT(error.what(), Catch::Contains(std::string("was made by ") + maker + " vecdb (format "));
    }
  };
  refuse([&] { StoreReader reader(sample.path()); });
  refuse([&] { StoreWriter::open(sample.path(), 0, nullptr); });
  refuse([&] { make_store(sample.path()); });
  CHECK(read_all(file) == catalogue);
}
