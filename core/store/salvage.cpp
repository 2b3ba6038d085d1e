#include "store/salvage.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"

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

}  // namespace

StoreSalvage::StoreSalvage(const StoreLayout& layout, Catalogue catalogue)
    : m_layout(layout), m_catalogue(std::move(catalogue)) {
  open_segments();
}

void StoreSalvage::open_segments() {
  for (const std::int64_t number : m_catalogue.numbers_of_segments()) {
    try {
      const SegmentRow row = m_catalogue.segment(number);
      FlatSegment segment(m_layout.segment(row.name), row);
      segment.check(FlatSegment::Check::k_anew);
      m_segments.push_back(std::move(segment));
    } catch (const Error& error) {  // a file that is gone or cannot be opened is a lost one too
      const bool is_lost = error.kind() == ErrorKind::k_damaged || error.kind() == ErrorKind::k_io;
      if (!is_lost) throw;
    }
  }
}

// By number where the state says how many numbers were given out: then one bad page hides nothing
// but its own rows.
std::vector<std::int64_t> StoreSalvage::document_numbers() {
  std::optional<StateRow> state;
  attempt([&] { state = m_catalogue.state(); });
  if (!state) return m_catalogue.numbers_of_documents();
  std::vector<std::int64_t> numbers;
  for (std::int64_t number = 1; number < state->next_document; ++number) numbers.push_back(number);
  return numbers;
}

void StoreSalvage::each_document(const std::function<bool(NewDocument&&)>& visit) {
  std::set<std::string> uris;  // an index that is wrong could let a document come twice
  std::int64_t seen = 0;
  for (const std::int64_t number : document_numbers()) {
    std::optional<NewDocument> document;
    if (!attempt([&] { document = read_document(number); })) {
      ++seen;
      m_lost.push_back(m_catalogue.name_of_document(number));
    } else if (document) {
      ++seen;
      if (!uris.insert(document->record.uri).second) continue;
      if (!visit(std::move(*document))) return;
    }
  }
  std::int64_t committed = seen;
  attempt([&] { committed = m_catalogue.state().documents; });
  if (committed > seen) {
    m_lost.push_back(std::to_string(committed - seen) + " documents whose names cannot be read");
  }
}

std::optional<NewDocument> StoreSalvage::read_document(std::int64_t number) {
  const auto row = m_catalogue.document(number);
  if (!row) return std::nullopt;
  NewDocument document{.record = row->summary.record, .chunks = {}, .vectors = vectors_of(*row)};
  for (ChunkRow& chunk : read_chunks(*row)) document.chunks.push_back(std::move(chunk.record));
  return document;
}

// Through the index, or where that is damaged one by one.
std::vector<ChunkRow> StoreSalvage::read_chunks(const DocumentRow& document) {
  std::vector<ChunkRow> chunks;
  if (attempt([&] { chunks = m_catalogue.chunks_of(document); })) return chunks;
  chunks.clear();
  const DocumentSummary& summary = document.summary;
  for (std::uint64_t i = 0; i < summary.chunks; ++i) {
    chunks.push_back(m_catalogue.chunk(document, summary.first_chunk + to_signed(i)));
  }
  return chunks;
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

}  // namespace vecdb
