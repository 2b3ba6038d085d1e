#include "store/catalogue_edit.h"

#include <algorithm>

#include "store/damage.h"

namespace vecdb {

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
  for (const ChunkRow& chunk : m_catalogue.chunks_of(*document)) {
    m_dead[chunk.row.segment].push_back(chunk.row.row);
  }
  m_database.query("DELETE FROM chunks WHERE document=?", document->id).run();
  m_database.query("DELETE FROM documents WHERE id=?", document->id).run();
  --m_state.documents;
  return true;
}

void CatalogueEdit::add_segment(const SegmentRow& row) {
  m_database
      .query("INSERT INTO segments VALUES(?, ?, 'flat', ?, ?, ?, 'ip', ?, ?, ?, ?, ?)", row.id,
             row.name, row.bytes, row.sha256, row.dimension, row.count, row.generation,
             to_signed(row.dead.size()), tombstone_digest(row), checksum_of(row))
      .run();
  ++m_state.segments;
  m_state.next_segment = row.id + 1;
}

void CatalogueEdit::add_document(const NewDocument& document, RowId first) {
  DocumentRow row;
  row.id = m_state.next_document++;
  row.summary.record = document.record;
  row.summary.chunks = document.chunks.size();
  for (const ChunkRecord& chunk : document.chunks) {
    row.summary.fits.add(chunk.fit);
    row.tokens += chunk.tokens;
    row.text_bytes += to_signed(chunk.chunk.text.size());
  }
  const auto& [record, chunks, fits] = row.summary;
  m_database
      .query("INSERT INTO documents VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row.id,
             record.uri, record.sha256, to_signed(record.size), record.mtime_ns, record.ctime_ns,
             record.type, record.recipe, record.meta, to_signed(chunks), to_signed(fits.truncated),
             to_signed(fits.split), to_signed(fits.averaged), row.tokens, row.text_bytes,
             checksum_of(row))
      .run();
  ++m_state.documents;

  ChunkRow chunk{.id = 0, .document = row.id, .number = 0, .record = {}, .row = first};
  for (const ChunkRecord& chunk_record : document.chunks) {
    chunk.id = m_state.next_chunk++;
    chunk.record = chunk_record;
    add_chunk(chunk, document.record.uri);
    ++chunk.number;
    ++chunk.row.row;
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
      .query("INSERT INTO chunks VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row.id,
             row.document, row.number, to_signed(chunk.start), to_signed(chunk.end),
             to_signed(chunk.line), chunk.text, key_of_text(chunk.text), chunk.meta,
             std::int64_t{row.record.tokens}, static_cast<std::int64_t>(row.record.fit),
             row.row.segment, row.row.row, checksum_of(row, uri))
      .run();
}

std::vector<std::string> CatalogueEdit::bury() {
  std::vector<std::string> gone;
  for (auto& [id, rows] : m_dead) {
    SegmentRow segment = m_catalogue.segment(id);  // checked, with the tombstones it has so far
    for (const std::int64_t row : rows) {
      m_database.query("INSERT INTO tombstones VALUES(?, ?)", id, row).run();
    }
    segment.dead.insert(segment.dead.end(), rows.begin(), rows.end());
    std::sort(segment.dead.begin(), segment.dead.end());
    if (to_signed(segment.dead.size()) >= segment.count) {
      m_database.query("DELETE FROM tombstones WHERE segment=?", id).run();
      m_database.query("DELETE FROM segments WHERE id=?", id).run();
      --m_state.segments;
      gone.push_back(segment.name);
      continue;
    }
    m_database
        .query("UPDATE segments SET dead=?, dead_digest=?, checksum=? WHERE id=?",
               to_signed(segment.dead.size()), tombstone_digest(segment), checksum_of(segment), id)
        .run();
  }
  m_dead.clear();
  return gone;
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
