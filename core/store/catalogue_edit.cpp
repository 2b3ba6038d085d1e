#include "store/catalogue_edit.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "store/damage.h"
#include "store/ivf_index.h"

namespace vecdb {

namespace {

std::string chunk_keys_of(const NewDocument& document) {
  std::set<std::string> keys;
  std::string_view last;  // neighbours often have the same
  for (const ChunkRecord& chunk : document.chunks) {
    const std::string& meta = chunk.chunk.meta;
    if (meta.empty() || meta == last) continue;
    const Json members = parse_json(meta, document.record.uri, ErrorKind::k_usage);
    for (const auto& [key, value] : members.items()) keys.insert(key);
    last = meta;
  }
  return keys.empty() ? std::string() : dump_json(keys);
}

}  // namespace

CatalogueEdit::CatalogueEdit(Catalogue& catalogue)
    : m_catalogue(catalogue),
      m_database(catalogue.database()),
      m_transaction(m_database),
      m_state(catalogue.state()) {
  ++m_state.generation;
}

bool CatalogueEdit::remove_document(const std::string& uri) {
  const auto document = m_catalogue.find_document(uri);
  if (!document) return false;
  for (const ChunkRow& chunk : m_catalogue.chunks_of(*document)) m_dead.push_back(chunk.id);
  m_database.query("DELETE FROM chunks WHERE document=?", document->id).run();
  m_database.query("DELETE FROM documents WHERE id=?", document->id).run();
  --m_state.documents;
  return true;
}

void CatalogueEdit::add_segment(const SegmentRow& row) {
  m_database
      .query("INSERT INTO segments VALUES(?, ?, 'flat', ?, ?, ?, 'ip', ?, ?, ?, ?, ?, ?, ?, ?)",
             row.id, row.name, row.bytes, row.sha256, row.dimension, row.count, row.generation,
             row.first, row.last, row.index, to_signed(row.dead.size()), tombstone_digest(row),
             checksum_of(row))
      .run();
  ++m_state.segments;
  m_state.next_segment = row.id + 1;
}

void CatalogueEdit::remove_segment(const SegmentRow& row) {
  m_database.query("DELETE FROM tombstones WHERE segment=?", row.id).run();
  m_database.query("DELETE FROM segments WHERE id=?", row.id).run();
  --m_state.segments;
}

void CatalogueEdit::set_index(SegmentRow row, const std::string& index) {
  row.index = index;
  m_database
      .query("UPDATE segments SET search_index=?, checksum=? WHERE id=?", row.index,
             checksum_of(row), row.id)
      .run();
}

void CatalogueEdit::add_document(const NewDocument& document) {
  DocumentRow row;
  row.id = m_state.next_document++;
  row.summary.first_chunk = m_state.next_chunk;
  row.summary.record = document.record;
  row.summary.chunks = document.chunks.size();
  for (const ChunkRecord& chunk : document.chunks) {
    row.summary.fits.add(chunk.fit);
    row.tokens += chunk.tokens;
    row.text_bytes += to_signed(chunk.chunk.text.size());
  }
  row.summary.chunk_keys = chunk_keys_of(document);
  const auto& [record, first_chunk, chunks, fits, chunk_keys] = row.summary;
  m_database
      .query("INSERT INTO documents VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
             row.id, record.uri, record.sha256, to_signed(record.size), record.mtime_ns,
             record.ctime_ns, record.type, record.recipe, record.meta, first_chunk,
             to_signed(chunks), to_signed(fits.truncated), to_signed(fits.split),
             to_signed(fits.averaged), row.tokens, row.text_bytes, chunk_keys, checksum_of(row))
      .run();
  ++m_state.documents;

  ChunkRow chunk{.id = 0, .document = row.id, .number = 0, .record = {}};
  for (const ChunkRecord& chunk_record : document.chunks) {
    chunk.id = m_state.next_chunk++;
    chunk.record = chunk_record;
    add_chunk(chunk, document.record.uri);
    ++chunk.number;
  }
}

void CatalogueEdit::touch_document(const DocumentRecord& record) {
  auto row = m_catalogue.find_document(record.uri);
  if (!row) throw Error(ErrorKind::k_usage, record.uri + ": is not stored");
  row->summary.record = record;
  m_database
      .query(
          "UPDATE documents SET sha256=?, size=?, mtime_ns=?, ctime_ns=?, type=?, recipe=?, meta=?,"
          " checksum=? WHERE id=?",
          record.sha256, to_signed(record.size), record.mtime_ns, record.ctime_ns, record.type,
          record.recipe, record.meta, checksum_of(*row), row->id)
      .run();
}

void CatalogueEdit::add_chunk(const ChunkRow& row, const std::string& uri) {
  const Chunk& chunk = row.record.chunk;
  m_database
      .query("INSERT INTO chunks VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row.id, row.document,
             row.number, to_signed(chunk.start), to_signed(chunk.end), to_signed(chunk.line),
             chunk.text, key_of_text(chunk.text), chunk.meta, std::int64_t{row.record.tokens},
             static_cast<std::int64_t>(row.record.fit), checksum_of(row, uri))
      .run();
}

std::vector<std::string> CatalogueEdit::bury() {
  std::vector<std::string> gone;
  if (m_dead.empty()) return gone;
  std::sort(m_dead.begin(), m_dead.end());
  auto dead = m_dead.begin();
  for (SegmentRow& segment : m_catalogue.segments()) {
    const auto end = std::upper_bound(dead, m_dead.end(), segment.last);
    if (dead == end) continue;
    if (*dead < segment.first) break;
    if (end - dead >= segment.live()) {
      remove_segment(segment);
      std::ranges::move(files_of(segment, m_catalogue.file()), std::back_inserter(gone));
    } else {
      add_tombstones(segment, std::span(dead, end));
    }
    dead = end;
  }
  if (dead != m_dead.end()) {
    throw damaged(m_catalogue.file(),
                  "no segment has the vector of chunk " + std::to_string(*dead));
  }
  m_dead.clear();
  return gone;
}

void CatalogueEdit::add_tombstones(SegmentRow& segment, std::span<const ChunkId> dead) {
  for (const ChunkId chunk : dead) {
    m_database.query("INSERT INTO tombstones VALUES(?, ?)", segment.id, chunk).run();
  }
  const auto middle = segment.dead.insert(segment.dead.end(), dead.begin(), dead.end());
  std::inplace_merge(segment.dead.begin(), middle, segment.dead.end());
  m_database
      .query("UPDATE segments SET dead=?, dead_digest=?, checksum=? WHERE id=?",
             to_signed(segment.dead.size()), tombstone_digest(segment), checksum_of(segment),
             segment.id)
      .run();
}

void CatalogueEdit::commit() {
  m_database
      .query(
          "UPDATE state SET generation=?, documents=?, segments=?, next_document=?,"
          " next_chunk=?, next_segment=?, checksum=?",
          m_state.generation, m_state.documents, m_state.segments, m_state.next_document,
          m_state.next_chunk, m_state.next_segment, checksum_of(m_state))
      .run();
  m_transaction.commit();
}

}  // namespace vecdb
