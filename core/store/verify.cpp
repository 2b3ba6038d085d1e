#include <algorithm>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "store/catalogue.h"
#include "store/consistency.h"
#include "store/damage.h"
#include "store/flat_segment.h"
#include "store/store.h"

namespace vecdb {

namespace {

// One pass over a store that notes what is wrong and goes on.
class Verification {
 public:
  explicit Verification(const std::filesystem::path& store) : m_layout(store) {}

  void run() {
    std::optional<Head> head;
    attempt([&] { head = require_store(m_layout); });
    std::error_code error;
    if (!std::filesystem::exists(m_layout.catalogue, error) && !error) return;
    attempt([&] {
      Catalogue catalogue = Catalogue::open_to_read(m_layout.catalogue);
      m_generation = catalogue.state().generation;
      if (head) attempt([&] { compare_with_head(m_layout, catalogue, *head); });
      attempt([&] { check_structure(catalogue.database()); });
      attempt([&] { check_segments(catalogue); });
      attempt([&] { check_documents(catalogue); });
      compare_rows();
    });
  }

  std::vector<std::string>& problems() noexcept { return m_problems; }
  std::int64_t generation() const noexcept { return m_generation; }

 private:
  template <typename Step>
  void attempt(const Step& step) {
    try {
      step();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::k_damaged) throw;
      m_problems.emplace_back(error.what());
    }
  }

  void report(const std::filesystem::path& file, const std::string& problem) {
    m_problems.push_back(file.string() + ": " + problem);
  }

  void check_structure(Database& database) {
    for (const char* sql : {"PRAGMA integrity_check", "PRAGMA foreign_key_check"}) {
      Statement statement = database.query(sql);
      while (statement.step()) {
        const std::string line = statement.text(0);
        if (line != "ok") report(database.file(), line);
      }
    }
  }

  void check_segments(const Catalogue& catalogue) {
    for (SegmentRow& row : catalogue.segments()) {
      Used& used = m_used[row.id];
      used.name = row.name;
      used.rows.resize(static_cast<std::size_t>(row.count));
      for (const std::int64_t dead : row.dead) {
        if (dead >= 0 && dead < row.count) used.rows[static_cast<std::size_t>(dead)] = true;
      }
      try {
        FlatSegment(m_layout.segment(row.name), row).check(FlatSegment::Check::k_anew);
      } catch (const Error& error) {  // a file that cannot be opened or read is a finding too
        m_problems.emplace_back(error.what());
      }
    }
    m_knows_segments = true;
  }

  // Looks every document up by its uri, so that one bad row does not hide the others.
  void check_documents(Catalogue& catalogue) {
    std::vector<std::string> uris;
    Statement statement = catalogue.database().query("SELECT uri FROM documents ORDER BY id");
    while (statement.step()) uris.push_back(statement.text(0));
    for (const std::string& uri : uris) {
      attempt([&] {
        const auto document = catalogue.find_document(uri);
        if (!document) throw damaged(m_layout.catalogue, "its index lacks document " + uri);
        for (const ChunkRow& chunk : catalogue.chunks_of(*document)) use(chunk, uri);
      });
    }
    if (to_signed(uris.size()) != catalogue.state().documents) {
      throw damaged(m_layout.catalogue, "the number of documents is not the one committed");
    }
  }

  // Notes that a chunk has a vector, which must be live and no other chunk's.
  void use(const ChunkRow& chunk, const std::string& uri) {
    if (!m_knows_segments) return;
    const auto found = m_used.find(chunk.row.segment);
    const auto row = static_cast<std::size_t>(chunk.row.row);
    if (found == m_used.end() || row >= found->second.rows.size() || found->second.rows[row]) {
      throw damaged(m_layout.catalogue, "chunk " + std::to_string(chunk.number) + " of document " +
                                            uri + " has no vector of its own");
    }
    found->second.rows[row] = true;
  }

  void compare_rows() {
    for (const auto& [id, used] : m_used) {
      const auto unused = std::count(used.rows.begin(), used.rows.end(), false);
      if (unused == 0) continue;
      report(m_layout.segment(used.name), "no chunk has " + std::to_string(unused) +
                                              " of its live vectors; restore the store from a"
                                              " backup or ingest again");
    }
  }

  struct Used {
    std::string name;
    std::vector<bool> rows;  // dead, or seen in a chunk
  };

  StoreLayout m_layout;
  std::map<std::int64_t, Used> m_used;  // by segment
  bool m_knows_segments = false;
  std::int64_t m_generation = -1;
  std::vector<std::string> m_problems;
};

}  // namespace

// A writer may remove a segment between the moment the catalogue names it and the moment its file
// is opened. What is found in one generation alone is therefore looked for again.
std::vector<std::string> verify_store(const std::filesystem::path& store) {
  for (std::int64_t last_generation = -1;;) {
    Verification verification(store);
    verification.run();
    if (verification.problems().empty() || verification.generation() == last_generation) {
      return std::move(verification.problems());
    }
    last_generation = verification.generation();
  }
}

}  // namespace vecdb
