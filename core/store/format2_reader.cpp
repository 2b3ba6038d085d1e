#include "store/format2_reader.h"

#include <charconv>
#include <cstring>
#include <map>
#include <optional>

#include "base/sha256.h"
#include "store/damage.h"
#include "store/format.h"
#include "store/head.h"
#include "store/row_checksum.h"
#include "store/rows.h"

namespace vecdb {

namespace {

constexpr std::size_t k_header_bytes = 45;  // of a segment; floats follow

// Compares a row's last column with the checksum over the columns before it, as text or as integer.
// `kinds` has a letter a column: i or t.
bool is_sound(const Statement& row, std::string_view table, std::string_view kinds) {
  RowChecksum checksum(table);
  int column = 0;
  for (const char kind : kinds) {
    if (kind == 'i') {
      checksum.add(row.integer(column));
    } else {
      checksum.add(row.text(column));
    }
    ++column;
  }
  return row.text(column) == checksum.hex();
}

void require(bool sound, const Database& catalogue, const std::string& what) {
  if (!sound) throw damaged(catalogue.file(), "the checksum of " + what + " does not match");
}

}  // namespace

Format2Reader::Format2Reader(const StoreLayout& layout)
    : m_layout(layout), m_catalogue(layout.catalogue, OpenMode::k_read) {
  const auto head = read_head(layout.head, k_oldest_store_format);
  if (!head) throw damaged(layout.head, "is missing");
  m_catalogue.query("BEGIN").run();

  std::map<std::string, std::string> values;
  Statement settings = m_catalogue.query("SELECT key, value FROM settings ORDER BY key");
  while (settings.step()) values.emplace(settings.text(0), settings.text(1));
  const std::string checksum = values["checksum"];
  values.erase("checksum");
  RowChecksum expected("settings");
  for (const auto& [key, value] : values) expected.add(key).add(value);
  require(checksum == expected.hex(), m_catalogue, "the settings");
  if (values["store"] != head->store) throw damaged(layout.head, "belongs to another store");
  m_settings = {.model = values["model"],
                .fingerprint = values["fingerprint"],
                .precision = values["precision"],
                .dimension = 0};
  const std::string& digits = values["dimension"];
  std::from_chars(digits.data(), digits.data() + digits.size(), m_settings.dimension);

  if (generation() < head->generation) {
    throw damaged(layout.catalogue, "is older than HEAD, so that commits are lost");
  }
  open_segments();
}

std::int64_t Format2Reader::generation() {
  Statement state = m_catalogue.query(
      "SELECT generation, documents, segments, next_document, next_chunk, next_segment, checksum"
      " FROM state");
  require(state.step() && is_sound(state, "state", "iiiiii"), m_catalogue, "the state");
  m_documents = state.integer(1);
  return state.integer(0);
}

void Format2Reader::open_segments() {
  Statement row = m_catalogue.query(
      "SELECT id, name, kind, bytes, sha256, dimension, metric, count, generation, dead,"
      " dead_digest, checksum FROM segments");
  while (row.step()) {
    require(is_sound(row, "segments", "ittititiiit"), m_catalogue, "segment " + row.text(1));
    const std::filesystem::path path = m_layout.segment(row.text(1));
    MappedFile file(path);
    const std::uint64_t floats = to_unsigned(row.integer(7)) * m_settings.dimension;
    if (file.bytes().size() != k_header_bytes + floats * sizeof(float) ||
        sha256_hex(file.bytes()) != row.text(4)) {
      throw damaged(path, "its bytes are not those that were committed");
    }
    m_segments.emplace(row.integer(0), std::move(file));
  }
}

void Format2Reader::each_document(const std::function<bool(NewDocument&&)>& visit) {
  Statement row = m_catalogue.query(
      "SELECT id, uri, sha256, size, mtime_ns, ctime_ns, type, recipe, meta, chunks, truncated,"
      " split, averaged, tokens, text_bytes, checksum FROM documents ORDER BY id");
  std::int64_t found = 0;
  for (; row.step(); ++found) {
    if (!visit(read_document(row))) return;
  }
  if (found != m_documents) {
    throw damaged(m_catalogue.file(), "the number of documents is not the one committed");
  }
}

NewDocument Format2Reader::read_document(const Statement& row) {
  require(is_sound(row, "documents", "ittiiitttiiiiii"), m_catalogue, "document " + row.text(1));
  NewDocument document;
  document.record = {.uri = row.text(1),
                     .sha256 = row.text(2),
                     .size = to_unsigned(row.integer(3)),
                     .mtime_ns = row.integer(4),
                     .ctime_ns = row.integer(5),
                     .type = row.text(6),
                     .recipe = row.text(7),
                     .meta = row.text(8)};
  const std::int64_t id = row.integer(0);
  Statement chunk = m_catalogue.query(
      "SELECT id, document, ?, number, start, end, line, text, text_key, meta, tokens, fit,"
      " segment, row, checksum FROM chunks WHERE document=? ORDER BY number",
      document.record.uri, id);
  while (chunk.step()) read_chunk(chunk, id, document);
  if (to_signed(document.chunks.size()) != row.integer(9)) {
    throw damaged(m_catalogue.file(), "a chunk of document " + document.record.uri + " is missing");
  }
  return document;
}

void Format2Reader::read_chunk(const Statement& row, std::int64_t document, NewDocument& to) {
  const std::int64_t number = row.integer(3);
  const bool sound = is_sound(row, "chunks", "iitiiiititiiii") && row.integer(1) == document &&
                     number == to_signed(to.chunks.size());
  require(sound, m_catalogue, "chunk " + std::to_string(number) + " of document " + to.record.uri);
  to.chunks.push_back({.chunk = {.start = to_unsigned(row.integer(4)),
                                 .end = to_unsigned(row.integer(5)),
                                 .line = to_unsigned(row.integer(6)),
                                 .text = row.text(7),
                                 .meta = row.text(9)},
                       .tokens = static_cast<std::uint32_t>(row.integer(10)),
                       .fit = static_cast<WindowFit>(row.integer(11))});
  const auto segment = m_segments.find(row.integer(12));
  const std::size_t bytes = m_settings.dimension * sizeof(float);
  const std::size_t offset = k_header_bytes + to_unsigned(row.integer(13)) * bytes;
  if (segment == m_segments.end() || offset + bytes > segment->second.bytes().size()) {
    throw damaged(m_catalogue.file(), "chunk " + std::to_string(number) + " of document " +
                                          to.record.uri + " has no vector");
  }
  const std::size_t floats = to.vectors.size();
  to.vectors.resize(floats + m_settings.dimension);
  std::memcpy(to.vectors.data() + floats, segment->second.bytes().data() + offset, bytes);
}

}  // namespace vecdb
