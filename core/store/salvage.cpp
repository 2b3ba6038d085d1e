#include "store/salvage.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "store/damage.h"

namespace vecdb {

namespace {

// Whether the step could be done; other errors than damage are not the store's.
template <typename Step>
bool attempt(const Step& step) {
  try {
    step();
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::k_damaged) throw;
    return false;
  }
}

std::string counted(std::int64_t count, const std::string& singular) {
  return std::to_string(count) + " " + singular + (count == 1 ? "" : "s");
}

}  // namespace

StoreSalvage::StoreSalvage(const StoreLayout& layout, Catalogue catalogue, PageScan pages)
    : m_layout(layout), m_catalogue(std::move(catalogue)), m_pages(std::move(pages)) {
  attempt([&] { m_state = m_catalogue.state(); });
  open_segments();
}

// Where SQLite does not find all of them, the newest of those that share a range with others
// counts: they were merged.
void StoreSalvage::open_segments() {
  if (attempt([&] { m_rows = m_catalogue.segments(); })) {
    m_knows_segments = true;
  } else {
    std::vector<std::int64_t> numbers = m_pages.numbers_of_segments();
    std::ranges::sort(numbers, std::greater());
    for (const std::int64_t number : numbers) {
      if (auto row = read_segment(number)) m_rows.push_back(std::move(*row));
    }
  }
  for (const SegmentRow& row : m_rows) {
    const std::filesystem::path file = m_layout.segment(row.name);
    if (is_lost(file)) continue;
    attempt([&] {
      FlatSegment segment(file, row);
      segment.check(FlatSegment::Check::k_anew);
      m_segments.push_back(std::move(segment));
    });
  }
}

std::optional<SegmentRow> StoreSalvage::read_segment(std::int64_t number) {
  std::optional<SegmentRow> row;
  if (attempt([&] { row = m_catalogue.segment(number); })) return row;
  return m_pages.segment(number, settings().dimension);
}

std::int64_t StoreSalvage::lost_commits() const {
  std::optional<Head> head;
  attempt([&] { head = read_head(m_layout.head); });
  if (!head || !m_state || head->store != m_catalogue.store_id()) return 0;
  return std::max<std::int64_t>(head->generation - m_state->generation, 0);
}

void StoreSalvage::each_document(const Visit& visit) {
  const std::int64_t commits = lost_commits();
  if (commits > 0) {
    m_lost.push_back("what was stored by the last " + counted(commits, "commit"));
    std::vector<std::int64_t> newer = m_pages.numbers_of_documents();
    std::erase_if(newer, [&](std::int64_t number) { return number < m_state->next_document; });
    if (!visit_scanned(std::move(newer), visit)) return;
  }
  if (!visit_stored(visit)) return;
  if (!m_failed.empty() || !has_all()) {
    std::vector<std::int64_t> others = m_pages.numbers_of_documents();
    std::erase_if(others, [&](std::int64_t number) { return m_found.contains(number); });
    if (!visit_scanned(std::move(others), visit)) return;
  }
  name_lost();
}

// Whether as many documents were handed out as were committed, or where that is not known, as the
// table and its index both have.
bool StoreSalvage::has_all() const {
  if (m_state) return to_signed(m_found.size()) >= m_state->documents;
  return m_catalogue.has_all_documents(m_found);
}

// By all numbers that were given out, where the state says how many: then one bad page hides
// nothing but its own rows.
bool StoreSalvage::visit_stored(const Visit& visit) {
  if (!m_state) {
    return std::ranges::all_of(m_catalogue.numbers_of_documents(),
                               [&](std::int64_t number) { return visit_number(number, visit); });
  }
  for (std::int64_t number = 1; number < m_state->next_document; ++number) {
    if (!visit_number(number, visit)) return false;
  }
  return true;
}

bool StoreSalvage::visit_number(std::int64_t number, const Visit& visit) {
  if (pending_interrupt() != 0) return false;
  std::optional<NewDocument> document;
  const bool is_right = attempt([&] {
    if (auto row = m_catalogue.document(number)) document = read_document(std::move(*row));
  });
  if (!is_right) m_failed.insert(number);
  return !document || hand_out(number, std::move(*document), visit);
}

// The newest first: of two documents of one uri it is the one that counts.
bool StoreSalvage::visit_scanned(std::vector<std::int64_t> numbers, const Visit& visit) {
  std::ranges::sort(numbers, std::greater());
  for (const std::int64_t number : numbers) {
    if (pending_interrupt() != 0) return false;
    std::optional<DocumentRow> row = m_pages.document(number);
    if (!row || is_deleted(*row)) continue;
    std::optional<NewDocument> document;
    if (attempt([&] { document = read_document(std::move(*row)); })) {
      if (!hand_out(number, std::move(*document), visit)) return false;
    }
  }
  return true;
}

// A uri comes once, whatever an index says or an old page tells.
bool StoreSalvage::hand_out(std::int64_t number, NewDocument&& document, const Visit& visit) {
  if (!m_uris.insert(document.record.uri).second) return true;
  m_failed.erase(number);
  m_found.insert(number);
  return visit(std::move(document));
}

// A number that no index knows is one of a document that was deleted, or of one that only the state
// counts.
void StoreSalvage::name_lost() {
  const std::map<std::int64_t, std::string> names = m_catalogue.names_of_documents(m_found);
  std::set<std::int64_t> seen = m_found;
  std::int64_t named = 0;
  for (const auto& [number, name] : names) {
    seen.insert(number);
    m_failed.erase(number);
    if (name.empty() || m_uris.contains(name)) continue;
    m_lost.push_back(name);
    ++named;
  }
  const std::int64_t known = to_signed(m_uris.size()) + named;
  if (m_state && m_state->documents > known) {
    m_lost.push_back(counted(m_state->documents - known, "document") +
                     " whose name cannot be read");
  }
  if (m_state) return;
  for (const std::int64_t number : m_failed) {
    m_lost.push_back("document " + std::to_string(number));
  }
  if (!m_catalogue.has_all_documents(seen)) {
    m_lost.push_back("documents of which nothing tells any more, if there were such");
  }
}

NewDocument StoreSalvage::read_document(DocumentRow row) {
  NewDocument document{.record = row.summary.record, .chunks = {}, .vectors = {}};
  for (ChunkRow& chunk : read_chunks(row)) document.chunks.push_back(std::move(chunk.record));
  document.vectors = vectors_of(row);
  return document;
}

// Through the index, or where that is damaged one by one.
std::vector<ChunkRow> StoreSalvage::read_chunks(const DocumentRow& document) {
  std::vector<ChunkRow> chunks;
  if (attempt([&] { chunks = m_catalogue.chunks_of(document); })) return chunks;
  chunks.clear();
  const DocumentSummary& summary = document.summary;
  for (std::uint64_t i = 0; i < summary.chunks; ++i) {
    chunks.push_back(read_chunk(document, summary.first_chunk + to_signed(i)));
  }
  return chunks;
}

ChunkRow StoreSalvage::read_chunk(const DocumentRow& document, ChunkId id) {
  std::optional<ChunkRow> chunk;
  if (!attempt([&] { chunk = m_catalogue.chunk(document, id); })) {
    chunk = m_pages.chunk(document, id);
  }
  if (chunk) return std::move(*chunk);
  throw damaged(m_catalogue.file(),
                "a chunk of document " + document.summary.record.uri + " is missing");
}

std::vector<float> StoreSalvage::vectors_of(const DocumentRow& document) const {
  std::vector<float> vectors;
  const ChunkId first = document.summary.first_chunk;
  for (ChunkId id = first; id < first + to_signed(document.summary.chunks); ++id) {
    const auto segment =
        std::ranges::find_if(m_segments, [&](const auto& each) { return each.covers(id); });
    if (segment == m_segments.end()) return {};
    const auto row = segment->find(id);
    if (!row || segment->is_dead(*row)) return {};
    std::ranges::copy(segment->vector_at(*row), std::back_inserter(vectors));
  }
  return vectors;
}

// A page that is no longer in use tells of documents that are no more. Their chunks are in no
// segment, or among its dead.
bool StoreSalvage::is_deleted(const DocumentRow& document) const {
  const ChunkId id = document.summary.first_chunk;
  if (document.summary.chunks == 0 || (m_state && id >= m_state->next_chunk)) return false;
  const auto covers = [&](const SegmentRow& row) { return row.first <= id && id <= row.last; };
  const auto row = std::ranges::find_if(m_rows, covers);
  if (row == m_rows.end()) return m_knows_segments;
  if (std::ranges::binary_search(row->dead, id)) return true;
  const auto segment =
      std::ranges::find_if(m_segments, [&](const auto& each) { return each.covers(id); });
  return segment != m_segments.end() && !segment->find(id);
}

}  // namespace vecdb
