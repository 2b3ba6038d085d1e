#include "pipeline/selection.h"

#include <catch2/catch.hpp>
#include <utility>

#include "store_fixture.h"

using namespace vecdb;

namespace {

// A document whose chunks have this metadata each; "" for none.
NewDocument document_of(const std::string& uri, const std::string& meta,
                        const std::vector<std::string>& of_chunks) {
  NewDocument document = make_document(uri, of_chunks.size(), 3);
  document.record.meta = meta;
  for (std::size_t i = 0; i < of_chunks.size(); ++i) {
    document.chunks[i].chunk.meta = of_chunks[i];
  }
  return document;
}

// Chunks 1-3 of a.pdf, 4-5 of b.txt, 6 of c.csv, 7 of d.csv; then e without chunks.
void fill(const std::filesystem::path& store) {
  const std::string page = R"({"page":)";
  make_store(store).commit(
      std::vector{document_of("/x/a.pdf", R"({"lang":"en"})", {page + "1}", page + "2}", ""}),
                  document_of("/x/b.txt", R"({"lang":"de","page":2})", {"", ""}),
                  document_of("/y/c.csv", "{}", {R"({"lang":"en"})"}),
                  document_of("/y/d.csv", "{}", {R"({"lang":"fr"})"}),
                  document_of("/y/e.txt", R"({"lang":"en"})", {})},
      {});
}

ChunkRanges selected(const StoreReader& store, const std::string& filter) {
  return select_chunks(store, parse_filter(filter, "")).chunks;
}

std::string uris(const StoreReader& store, const std::string& filter) {
  std::string found;
  each_passing(store, parse_filter(filter, ""), [&](const DocumentSummary& each, const auto&) {
    found += each.record.uri.substr(3, 1);
  });
  return found;
}

}  // namespace

TEST_CASE("a filter selects ranges of chunks") {
  const TemporaryFolder folder;
  fill(folder.path());
  const StoreReader store(folder.path());
  CHECK(selected(store, "path ~ *") == ChunkRanges{{1, 8}});
  CHECK(selected(store, "path ~ z").empty());
  CHECK(selected(store, "name = b.txt") == ChunkRanges{{4, 6}});
  CHECK(selected(store, "lang = en") == ChunkRanges{{1, 4}, {6, 7}});
  CHECK(selected(store, "page = 2") == ChunkRanges{{2, 3}, {4, 6}});
  CHECK(selected(store, "page exists") == ChunkRanges{{1, 3}, {4, 6}});
  CHECK(selected(store, "not page exists") == ChunkRanges{{3, 4}, {6, 8}});
  CHECK(selected(store, "lang = en and page = 2 or lang = fr") == ChunkRanges{{2, 3}, {7, 8}});
}

TEST_CASE("a document passes when one of its chunks does, one without chunks by itself") {
  const TemporaryFolder folder;
  fill(folder.path());
  const StoreReader store(folder.path());
  CHECK(uris(store, "lang = en") == "ace");
  CHECK(uris(store, "page = 2") == "ab");
  CHECK(uris(store, "not lang = en") == "bd");
  CHECK(uris(store, "page = 9").empty());
}

TEST_CASE("keys that nothing has are told, with the name that is meant") {
  const TemporaryFolder folder;
  fill(folder.path());
  const StoreReader store(folder.path());
  const auto unknown = [&](const std::string& filter) {
    std::string text;
    for (const UnknownKey& key : select_chunks(store, parse_filter(filter, "")).unknown_keys) {
      text += key.name + ":" + key.nearest + " ";
    }
    return text;
  };
  CHECK(unknown("lang = en or page = 1").empty());
  CHECK(unknown("type = pdf and page = 1").empty());  // though no chunk was looked at
  CHECK(unknown("lnag = en and not pages exists or entirely-other = 1 or zz = 1") ==
        "entirely-other: lnag:lang pages:page zz: ");
  CHECK(unknown("pth ~ '*.md'") == "pth:path ");
  CHECK(unknown("en = 1") == "");  // a value looks like it: no harm, and no note
}

TEST_CASE("a key is known however its name is written") {
  const TemporaryFolder folder;
  make_store(folder.path())
      .commit(std::vector{document_of("a", R"({"l\u0061ng":"en"})", {""})}, {});
  const StoreReader store(folder.path());
  const Selection selection = select_chunks(store, parse_filter("lang = en", ""));
  CHECK(selection.chunks == ChunkRanges{{1, 2}});
  CHECK(selection.unknown_keys.empty());
}

TEST_CASE("nothing is selected of an empty store") {
  const TemporaryFolder folder;
  make_store(folder.path());
  const StoreReader store(folder.path());
  CHECK(selected(store, "not a = 1").empty());
  CHECK(store.propose(random_unit(1), 5, nullptr).empty());
}

TEST_CASE("what was replaced or deleted is not selected") {
  const TemporaryFolder folder;
  fill(folder.path());
  {
    StoreWriter writer = StoreWriter::open(folder.path(), 0, nullptr);
    writer.commit(std::vector{document_of("/x/b.txt", R"({"lang":"en"})", {"", "", ""})},
                  std::vector<std::string>{"/y/c.csv"});
  }
  const StoreReader store(folder.path());
  CHECK(selected(store, "lang = en") == ChunkRanges{{1, 4}, {8, 11}});
  CHECK(selected(store, "lang = de").empty());
  const auto ranges = selected(store, "lang = en");
  std::size_t found = 0;
  for (const Proposal& each : store.propose(random_unit(1), 100, &ranges)) {
    CHECK((each.chunk < 4 || each.chunk >= 8));
    ++found;
  }
  CHECK(found == 6);
}

TEST_CASE("ranges are sorted, and joined where they meet") {
  ChunkRanges ranges{{7, 9}, {1, 3}, {3, 4}, {5, 6}, {4, 5}, {10, 11}};
  sort_and_join(ranges);
  CHECK(ranges == ChunkRanges{{1, 6}, {7, 9}, {10, 11}});
  ranges.clear();
  sort_and_join(ranges);
  CHECK(ranges.empty());
}
