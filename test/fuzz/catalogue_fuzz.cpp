// Input: a byte of options (below), then edits of a catalogue's bytes (edits.h); or, with k_signed,
// of its rows: four bytes a number, of which the first two choose what is changed. Rows are then
// given the checksums that fit, as a writer with a fault would.
//
// Whatever was done to the bytes, an answer is the one that the sound store gives, or damage is
// told. SQLite's indexes have no checksum: what is looked for through one may seem absent, and then
// verify finds it. With k_salvage, what a repair finds is a document that the store has or had.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "edits.h"
#include "fuzz.h"
#include "sign_rows.h"
#include "store/catalogue.h"
#include "store/graft.h"
#include "store/layout.h"
#include "store/page_scan.h"
#include "store/salvage.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "temporary_folder.h"
#include "vectors.h"

using namespace vecdb;
using fuzz::require;

namespace {

namespace fs = std::filesystem;

constexpr unsigned k_signed = 1;
constexpr unsigned k_verify = 2;
constexpr unsigned k_salvage = 4;
constexpr std::size_t k_dimension = 6;

NewDocument make_document(const std::string& uri, std::size_t chunks) {
  NewDocument document;
  document.record = {.uri = uri, .sha256 = std::string(64, 'a'), .size = 9, .type = "text",
                     .recipe = "{}", .meta = R"({"n":1})"};
  for (std::size_t i = 0; i < chunks; ++i) {
    document.chunks.push_back({.chunk = {.start = 10 * i,
                                         .end = 10 * i + 9,
                                         .line = i + 1,
                                         .text = uri + std::to_string(i),
                                         .meta = i % 2 == 0 ? "" : R"({"page":1})"},
                               .tokens = 3,
                               .fit = static_cast<WindowFit>(i % 4)});
  }
  document.vectors = fuzz::unit_vectors(chunks, k_dimension);
  return document;
}

// Everything that is asked, as text. Empty: it is not there.
using Question = std::function<std::string(const StoreReader&)>;

std::string to_text(const DocumentSummary& document) {
  const DocumentRecord& record = document.record;
  std::string text = record.uri + record.sha256 + record.type + record.recipe + record.meta;
  for (const std::uint64_t number :
       {record.size, static_cast<std::uint64_t>(record.mtime_ns), document.chunks,
        static_cast<std::uint64_t>(document.first_chunk), document.fits.truncated,
        document.fits.split, document.fits.averaged}) {
    text += " " + std::to_string(number);
  }
  return text + document.chunk_keys + "\n";
}

std::string to_text(const StoredChunk& stored) {
  const Chunk& chunk = stored.record.chunk;
  std::string text = stored.document.uri + stored.document.meta + chunk.text + chunk.meta;
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(stored.id), stored.number, std::uint64_t{chunk.start},
        std::uint64_t{chunk.end}, std::uint64_t{chunk.line}, std::uint64_t{stored.record.tokens},
        static_cast<std::uint64_t>(stored.record.fit)}) {
    text += " " + std::to_string(number);
  }
  return text + "\n";
}

std::string to_text(const StoreStats& stats) {
  std::string text;
  for (const std::uint64_t number :
       {stats.documents, stats.chunks, stats.fits.truncated, stats.tokens, stats.text_bytes,
        stats.segments, stats.indexed, stats.dead_rows, stats.generation}) {
    text += std::to_string(number) + " ";
  }
  return text;
}

std::string proposals(const StoreReader& store, const SearchEffort& effort,
                      const ChunkRanges* among) {
  std::string text = "found:\n";
  const auto query = fuzz::unit_vectors(1, store.settings().dimension % 100);
  if (query.size() != store.settings().dimension) return text;  // no model's is so
  for (const Proposal& each : store.propose(query, 4, among, effort)) {
    require(!std::isnan(each.score), "a score is no number");
    text += to_text(store.chunk_of_vector(each.chunk));
    text += std::to_string(store.vector_of(each.chunk).size());
  }
  return text;
}

std::vector<Question> questions() {
  std::vector<Question> all;
  all.emplace_back([](const StoreReader& store) {
    const StoreSettings& settings = store.settings();
    return settings.model + settings.fingerprint + settings.precision +
           std::to_string(settings.dimension);
  });
  all.emplace_back([](const StoreReader& store) {
    std::string text = "documents:\n";
    for (const auto& document : store.documents()) text += to_text(document);
    return text;
  });
  all.emplace_back([](const StoreReader& store) { return to_text(store.stats()); });
  for (const std::string uri : {"a", "b", "d"}) {
    all.emplace_back([uri](const StoreReader& store) {
      const auto document = store.find_document(uri);
      return document ? to_text(*document) : "";
    });
    all.emplace_back([uri](const StoreReader& store) {
      std::string text;
      for (const auto& chunk : store.chunks_of(uri)) text += to_text(chunk);
      return text;
    });
    all.emplace_back([uri](const StoreReader& store) {
      std::string text;
      for (const KnownText& known : store.find_text(uri + "1")) {
        text += std::to_string(known.chunk) + " " + std::to_string(known.tokens) + "\n";
      }
      return text;
    });
  }
  for (const double recall : {1.0, 0.5}) {
    for (const bool is_filtered : {false, true}) {
      all.emplace_back([recall, is_filtered](const StoreReader& store) {
        const ChunkRanges most{{1, 9}, {10, 40}};
        return proposals(store, {.lists = {}, .recall = recall}, is_filtered ? &most : nullptr);
      });
    }
  }
  return all;
}

std::string to_text(const NewDocument& document) {
  const DocumentRecord& record = document.record;
  std::string text = record.uri + record.sha256 + record.type + record.recipe + record.meta +
                     std::to_string(record.size);
  for (const auto& [chunk, tokens, fit] : document.chunks) {
    text += chunk.text + chunk.meta + std::to_string(chunk.start) + " " +
            std::to_string(chunk.end) + " " + std::to_string(chunk.line) + " " +
            std::to_string(tokens) + std::to_string(static_cast<int>(fit)) + "\n";
  }
  return text;
}

// All that were ever stored in the store below: a repair may find what was deleted.
std::vector<NewDocument> all_documents() {
  return {make_document("a", 12), make_document("b", 4), make_document("c", 3),
          make_document("d", 5),  make_document("b", 6), make_document("b", 5)};
}

// Two segments, one with an index, both with dead rows.
struct Sound {
  Sound() : path(folder.path() / "store"), all(questions()) {
    ::setenv("XDG_CACHE_HOME", (folder.path() / "cache").c_str(), 1);
    {
      const StoreSettings settings{.model = "toy",
                                   .fingerprint = std::string(64, 'f'),
                                   .precision = "f32",
                                   .dimension = k_dimension};
      auto writer = StoreWriter::open_or_create(path, settings, 0, nullptr);
      writer.commit(
          std::vector{make_document("a", 12), make_document("b", 4), make_document("c", 3)}, {});
      require(writer.compact({.index = IndexKind::k_ivf}), "there is no index");
      writer.commit(std::vector{make_document("d", 5), make_document("b", 6)},
                    std::vector<std::string>{"c"});
      writer.commit(std::vector{make_document("b", 5)}, {});
    }
    catalogue = read_file(path / "catalog.db", std::uint64_t{1} << 24U);
    const StoreReader store(path);
    for (const Question& question : all) answers.push_back(question(store));
  }

  void put(const std::string& bytes) const {
    for (const char* name : {"store/catalog.db-wal", "store/catalog.db-shm"}) {
      fs::remove(folder.path() / name);
    }
    folder.write("store/catalog.db", bytes);
  }

  fuzz::TemporaryFolder folder;
  fs::path path;
  std::string catalogue;
  std::vector<Question> all;
  std::vector<std::string> answers;
};

// What `ask` returns, or nothing where damage or a failure to read is told.
template <typename Ask>
auto unless_damaged(Ask ask) -> std::optional<decltype(ask())> {
  try {
    return ask();
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::k_damaged || error.kind() == ErrorKind::k_io, error.what());
    require(error.what()[0] != '\0', "an error without a message");
    return std::nullopt;
  }
}

void salvage(const Sound& sound) {
  static const std::vector<NewDocument> known = all_documents();
  const StoreLayout layout(sound.path);
  const fs::path copy = sound.folder.path() / "copy";
  fs::remove_all(copy);
  fs::create_directory(copy);
  PageScan pages(layout.catalogue);
  Catalogue catalogue = Catalogue::open_to_read(graft_catalogue(layout.catalogue, copy));
  StoreSalvage found(layout, std::move(catalogue), std::move(pages));
  found.each_document([&](NewDocument&& document) {
    const auto same = std::ranges::find(known, to_text(document),
                                        [](const NewDocument& each) { return to_text(each); });
    require(same != known.end(), "a document is handed out that was never stored");
    require(document.vectors.empty() || document.vectors == same->vectors,
            "vectors are handed out that were never stored");
    return true;
  });
}

void change_rows(Database& database, fuzz::Parts& parts) {
  constexpr auto k_changes = std::to_array<const char*>(
      {"state SET generation=?", "state SET documents=?", "state SET segments=?",
       "state SET next_chunk=?", "state SET next_document=?", "state SET next_segment=?",
       "documents SET size=?", "documents SET mtime_ns=?", "documents SET first_chunk=?",
       "documents SET chunks=?", "documents SET truncated=?", "documents SET averaged=?",
       "documents SET tokens=?", "documents SET text_bytes=?", "documents SET uri=char(?)",
       "documents SET meta=?", "documents SET chunk_keys=?", "segments SET bytes=?",
       "segments SET dimension=?", "segments SET count=?", "segments SET generation=?",
       "segments SET first=?", "segments SET last=?", "segments SET sha256=?",
       "segments SET search_index=?",
       "segments SET search_index=json_set(search_index, '$.lists', ?)",
       "segments SET search_index=json_set(search_index, '$.bytes', ?)",
       "segments SET search_index=json_set(search_index, '$.recall[0][0]', ?)",
       "segments SET search_index=json_set(search_index, '$.recall[0][1]', ?)",
       "segments SET search_index=json_set(search_index, '$.codes', ?)", "chunks SET id=?",
       "chunks SET number=?", "chunks SET start=?", "chunks SET end=?", "chunks SET line=?",
       "chunks SET tokens=?", "chunks SET fit=?", "chunks SET document=?", "chunks SET meta=?",
       "tombstones SET chunk=?", "settings SET value=?"});
  while (!parts.empty()) {
    const std::string change = k_changes[parts.byte() % k_changes.size()];
    const unsigned how = parts.byte();
    const unsigned low = parts.byte();
    const auto number =
        static_cast<std::int64_t>(fuzz::number_of(low | parts.byte() << 8U, how % 2 == 1));
    const std::string table = change.substr(0, change.find(' '));
    const std::string key = table == "tombstones" ? "chunk" : table == "settings" ? "key" : "id";
    try {
      database
          .query("UPDATE OR IGNORE " + change + " WHERE " + key + "=(SELECT " + key + " FROM " +
                     table + " ORDER BY " + key + " LIMIT 1 OFFSET ?)",
                 number, std::int64_t{how} / 2 % 8)
          .run();
    } catch (const Error&) {  // such a row cannot be written
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Sound sound;
  fuzz::Parts parts(data, size);
  const unsigned options = parts.byte();
  const bool is_signed = (options & k_signed) != 0;
  if (is_signed) {
    sound.put(sound.catalogue);
    Database database(sound.path / "catalog.db", OpenMode::k_write);
    change_rows(database, parts);
    try {
      fuzz::sign_rows(database);
    } catch (const Error&) {
      return 0;
    }
  } else {
    sound.put(fuzz::edited(sound.catalogue, parts));
  }
  if (!is_signed && (options & k_salvage) != 0) {
    unless_damaged([&] {
      salvage(sound);
      return true;
    });
    return 0;
  }
  bool is_absent = false;
  unless_damaged([&] {
    const StoreReader store(sound.path);
    for (std::size_t i = 0; i < sound.all.size(); ++i) {
      const auto answer = unless_damaged([&] { return sound.all[i](store); });
      if (is_signed || !answer || *answer == sound.answers[i]) continue;
      require(answer->empty(), "an answer is another one than that of the sound store");
      is_absent = true;
    }
    return true;
  });
  if (!is_absent && (options & k_verify) == 0) return 0;
  const auto problems = unless_damaged([&] { return verify_store(sound.path); });
  require(!is_absent || !problems || !problems->empty(), "verify does not see what is absent");
  return 0;
}
