#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "store/catalogue.h"
#include "store/consistency.h"
#include "store/damage.h"
#include "store/flat_segment.h"
#include "store/ivf_index.h"
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
      catalogue.database().stop_at_interrupts();
      attempt([&] { check_structure(catalogue.database()); });
      attempt([&] { check_segments(catalogue); });
      attempt([&] { check_documents(catalogue); });
      compare_vectors();
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
    for (const SegmentRow& row : catalogue.segments()) {
      if (pending_interrupt() != 0) return;
      Vectors& vectors = m_vectors.emplace_back();
      vectors.name = row.name;
      vectors.last = row.last;
      try {
        FlatSegment segment(m_layout.segment(row.name), row);
        segment.check(FlatSegment::Check::k_anew);
        for (std::int64_t i = 0; i < row.count; ++i) {
          if (!segment.is_dead(i)) vectors.chunks.push_back(segment.chunk_at(i));
        }
        vectors.used.resize(vectors.chunks.size());
        vectors.is_known = true;
      } catch (const Error& error) {
        refuse_unless_damaged(error, m_layout.segment(row.name));
        m_problems.emplace_back(error.what());
      }
      if (vectors.is_known) check_index(row);
    }
    m_knows_segments = true;
  }

  // A file that is gone is a finding; one that may not be opened, or not now, tells nothing.
  static void refuse_unless_damaged(const Error& error, const std::filesystem::path& file) {
    if (error.kind() == ErrorKind::k_damaged) return;
    if (error.kind() != ErrorKind::k_io || !is_lost(file)) throw;
  }

  void check_index(const SegmentRow& row) {
    if (row.index.empty()) return;
    std::filesystem::path file;
    try {
      IvfRow index = parse_ivf_row(row, m_layout.catalogue);
      file = m_layout.segment(index.name);
      IvfIndex(file, std::move(index)).check(row, FlatSegment::Check::k_anew);
    } catch (const Error& error) {
      refuse_unless_damaged(error, file);
      m_problems.emplace_back(error.what());
    }
  }

  // Looks every document up by its uri, so that one bad row does not hide the others.
  void check_documents(Catalogue& catalogue) {
    std::vector<std::string> uris;
    Statement statement = catalogue.database().query("SELECT uri FROM documents ORDER BY id");
    while (statement.step()) uris.push_back(statement.text(0));
    for (const std::string& uri : uris) {
      if (pending_interrupt() != 0) return;
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

  // Notes that a chunk has a vector.
  void use(const ChunkRow& chunk, const std::string& uri) {
    if (!m_knows_segments) return;
    const auto found =
        std::ranges::find_if(m_vectors, [&](const Vectors& each) { return chunk.id <= each.last; });
    if (found != m_vectors.end() && !found->is_known) return;
    if (found == m_vectors.end() || !found->use(chunk.id)) {
      throw damaged(m_layout.catalogue, "chunk " + std::to_string(chunk.number) + " of document " +
                                            uri + " has no vector of its own");
    }
  }

  void compare_vectors() {
    for (const Vectors& vectors : m_vectors) {
      const auto unused = std::ranges::count(vectors.used, false);
      if (unused == 0) continue;
      report(m_layout.segment(vectors.name), "no chunk has " + std::to_string(unused) +
                                                 " of its live vectors; restore the store from a"
                                                 " backup or ingest again");
    }
  }

  // The live vectors of one segment.
  struct Vectors {
    // Whether there is one of that chunk; each once.
    bool use(ChunkId chunk) {
      const auto found = std::ranges::lower_bound(chunks, chunk);
      if (found == chunks.end() || *found != chunk) return false;
      const auto place = static_cast<std::size_t>(found - chunks.begin());
      if (used[place]) return false;
      used[place] = true;
      return true;
    }

    std::string name;
    ChunkId last = 0;
    std::vector<ChunkId> chunks;
    std::vector<bool> used;
    bool is_known = false;
  };

  StoreLayout m_layout;
  std::vector<Vectors> m_vectors;  // in order of their chunks
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
    try {
      verification.run();
    } catch (const Error&) {
      if (pending_interrupt() == 0) throw;
    }
    if (pending_interrupt() != 0 || verification.problems().empty() ||
        verification.generation() == last_generation) {
      return std::move(verification.problems());
    }
    last_generation = verification.generation();
  }
}

}  // namespace vecdb
