#include "pipeline/stored_text.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "store_fixture.h"

using namespace vecdb;

namespace {

void fill(const std::filesystem::path& path) {
  make_store(path).commit(
      std::vector{make_document("/x/a.txt", 3, 1), make_document("urn:b", 2, 2),
                  make_document("urn:b#1", 1, 3), make_document("/x/none", 0, 4)},
      {});
}

StoredText document(const std::string& uri, std::uint64_t chunks) { return {uri, {}, chunks}; }
StoredText chunk(const std::string& uri, std::uint64_t number) { return {uri, number, 1}; }

}  // namespace

TEST_CASE("a name is that of a document, or of a chunk behind a hash") {
  const TemporaryFolder folder;
  fill(folder.path());
  const StoreReader store(folder.path());
  const auto find = [&](const std::string& name) {
    return find_stored(store, {.given = name, .as_path = "/x/" + name});
  };
  CHECK(find("/x/a.txt") == document("/x/a.txt", 3));
  CHECK(find("a.txt") == document("/x/a.txt", 3));
  CHECK(find("a.txt#0") == chunk("/x/a.txt", 0));
  CHECK(find("/x/a.txt#2") == chunk("/x/a.txt", 2));
  CHECK(find("none") == document("/x/none", 0));
  CHECK(find("urn:b#0") == chunk("urn:b", 0));
  CHECK(find("urn:b#1") == document("urn:b#1", 1));  // goes before the chunk
  CHECK(find("urn:b#1#0") == chunk("urn:b#1", 0));
  for (const char* name : {"", "#", "#0", "a.txt#3", "a.txt#", "a.txt#-1", "a.txt# 1", "a.txt#1x",
                           "a.txt#99999999999999999999", "none#0", "b.txt"}) {
    CAPTURE(name);
    CHECK_FALSE(find(name));
  }
}

TEST_CASE("a stored text is a range of chunks as long as it is there") {
  const TemporaryFolder folder;
  fill(folder.path());
  const StoreReader store(folder.path());
  CHECK(chunks_of(store, document("/x/a.txt", 3)) == ChunkRange{1, 4});
  CHECK(chunks_of(store, chunk("urn:b", 1)) == ChunkRange{5, 6});
  const ChunkRange none = chunks_of(store, document("/x/none", 0));
  CHECK(none.first == none.end);
  CHECK_THROWS_AS(chunks_of(store, document("gone", 1)), Error);
  CHECK_THROWS_AS(chunks_of(store, chunk("urn:b", 2)), Error);
}
