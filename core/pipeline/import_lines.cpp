#include "pipeline/import_lines.h"

#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "pipeline/prepare.h"

namespace vecdb {

namespace {

using Placed = ExchangeStream::Placed;

// Whether a line goes on with the document of the one before it.
bool continues(const ExchangeLine& last, const ExchangeLine& line) {
  if (!last.record.ready_chunk || !line.record.ready_chunk) return false;
  if (last.record.uri != line.record.uri) return false;
  if (last.document.has_value() != line.document.has_value()) return false;
  // Two exports, one behind the other, may both have the document.
  return !line.document || (last.document->record == line.document->record &&
                            last.document->chunks == line.document->chunks &&
                            last.number < line.number);
}

// Chunks that came as lines.
struct Group {
  std::string uri;
  std::string where;
  std::optional<ExchangeDocument> document;
  std::vector<ChunkRecord> chunks;
  bool is_whole = true;  // each chunk that the document has is there

  void add(ExchangeLine&& line) {
    is_whole = is_whole && line.number == chunks.size();
    chunks.push_back({.chunk = std::move(*line.record.ready_chunk),
                      .tokens = line.tokens,
                      .fit = line.fit});
  }
};

// What the store is to know of a document of which all is said. Where chunks of it are missing,
// its recipe is no longer what it was made with, so that an ingest of its source makes it anew.
DocumentRecord record_of(const Group& group) {
  DocumentRecord record = group.document->record;
  if (!group.is_whole || group.chunks.size() != group.document->chunks) {
    record.recipe = recipe_of_ready_chunks();
  }
  return record;
}

NewDocument to_document(Group group) {
  NewDocument document;
  if (group.document) {
    document.record = record_of(group);
    document.chunks = std::move(group.chunks);
    return document;
  }
  std::vector<Chunk> chunks;
  for (ChunkRecord& record : group.chunks) chunks.push_back(std::move(record.chunk));
  document.record =
      record_of_ready(std::move(group.uri), chunks, "{}", recipe_of_ready_chunks());
  document.chunks = std::move(group.chunks);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    document.chunks[i].chunk = std::move(chunks[i]);
  }
  return document;
}

// A text that has a vector is a chunk as it stands.
void make_ready(Placed& placed) {
  Record& record = placed.line.record;
  if (record.ready_chunk) return;
  if (record.text.empty()) throw Error(ErrorKind::k_io, placed.where + ": has no text");
  if (record.uri.empty()) record.uri = placed.where;
  Chunk chunk{.start = 0, .end = record.text.size(), .line = 1, .text = std::move(record.text)};
  if (record.meta && *record.meta != "{}") chunk.meta = *record.meta;
  record.ready_chunk = std::move(chunk);
}

}  // namespace

ExchangeStream::ExchangeStream(NextLine next, std::string uri)
    : m_next(std::move(next)), m_uri(std::move(uri)) {}

const Placed* ExchangeStream::peek() {
  while (!m_ahead) {
    const auto line = m_next();
    if (!line) return nullptr;
    ++m_number;
    if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
    std::string where = m_uri + ":" + std::to_string(m_number);
    ExchangeLine parsed = m_reader.read(*line, where);
    m_ahead.emplace(Placed{std::move(parsed), std::move(where)});
  }
  return &*m_ahead;
}

std::optional<Placed> ExchangeStream::next() {
  peek();
  return std::exchange(m_ahead, std::nullopt);
}

LineSources::LineSources(ExchangeStream& lines, Vectors vectors, Input input)
    : m_lines(lines), m_vectors(vectors), m_input(input) {}

std::optional<Source> LineSources::next() {
  const auto check = [this](const Placed& placed) {
    if (m_vectors == Vectors::k_leave_out || !placed.line.vector) return;
    throw Error(ErrorKind::k_io, placed.where +
                                     ": has a vector, and the first line has none; give --encode "
                                     "to leave vectors out");
  };
  auto first = m_lines.next();
  if (!first) return std::nullopt;
  check(*first);
  Record& record = first->line.record;
  if (!record.ready_chunk) {
    return NamedBytes{record.uri.empty() ? first->where : record.uri, std::move(record.text),
                      record.meta.value_or(""), NamedBytes::Content::k_text};
  }
  Group group{.uri = record.uri,
              .where = first->where,
              .document = first->line.document,
              .chunks = {}};
  ExchangeLine last = first->line;
  group.add(std::move(first->line));
  while (const Placed* ahead = m_lines.peek()) {
    if (!continues(last, ahead->line)) break;
    check(*ahead);
    auto line = m_lines.next();
    last = line->line;
    group.add(std::move(line->line));
  }
  if (group.document) {
    KeptDocument kept{.record = record_of(group), .chunks = std::move(group.chunks)};
    // How a text fits is found out anew.
    for (ChunkRecord& chunk : kept.chunks) chunk.fit = WindowFit::k_whole;
    return kept;
  }
  ReadyChunks ready{.uri = std::move(group.uri), .chunks = {}};
  for (ChunkRecord& chunk : group.chunks) ready.chunks.push_back(std::move(chunk.chunk));
  return ready;
}

LineDocuments::LineDocuments(ExchangeStream& lines, VectorFile* file, VectorLengths lengths)
    : m_lines(lines), m_file(file), m_lengths(lengths) {}

std::optional<ImportedDocument> LineDocuments::next() {
  auto placed = m_lines.next();
  if (!placed) {
    if (m_file != nullptr && m_rows < m_file->rows() && pending_interrupt() == 0) {
      throw Error(ErrorKind::k_io, "the file of vectors has " + std::to_string(m_file->rows()) +
                                       " rows, and there are only " + std::to_string(m_rows) +
                                       " lines");
    }
    return std::nullopt;
  }
  ImportedDocument imported;
  imported.where = placed->where;
  imported.encoder = placed->line.encoder;
  std::vector<float> vectors;
  Group group;
  for (;;) {
    const std::vector<float> vector = vector_of(*placed);
    check_alike(*placed);
    make_ready(*placed);
    vectors.insert(vectors.end(), vector.begin(), vector.end());
    if (group.chunks.empty()) {
      group.uri = placed->line.record.uri;
      group.document = placed->line.document;
    }
    const Placed* ahead = m_lines.peek();
    const bool goes_on = ahead != nullptr && continues(placed->line, ahead->line);
    group.add(std::move(placed->line));
    if (!goes_on) break;
    placed = m_lines.next();
  }
  imported.document = to_document(std::move(group));
  imported.document.vectors = std::move(vectors);
  return imported;
}

std::vector<float> LineDocuments::vector_of(Placed& placed) {
  std::vector<float> vector;
  const auto refuse = [&placed](const std::string& why) {
    throw Error(ErrorKind::k_io, placed.where + ": " + why);
  };
  if (m_file != nullptr) {
    if (placed.line.vector) refuse("has a vector of its own; leave out --vectors");
    if (m_rows == m_file->rows()) {
      refuse("has no vector: the file of vectors has only " + std::to_string(m_rows) + " rows");
    }
    vector = m_file->next();
    ++m_rows;
    const auto id = m_file->id();
    if (id && placed.line.id && *id != *placed.line.id) {
      refuse("has the id " + std::to_string(*placed.line.id) + ", and row " +
             std::to_string(m_rows - 1) + " of the file of vectors " + std::to_string(*id) +
             ": they are not of one export");
    }
  } else if (placed.line.vector) {
    vector = std::move(*placed.line.vector);
  } else {
    refuse("has no vector, and the first line has one; give --encode to make all anew");
  }
  if (!m_has_first) m_dimension = vector.size();
  if (vector.size() != m_dimension || vector.empty()) {
    refuse("its vector has " + std::to_string(vector.size()) + " numbers, not " +
           std::to_string(m_dimension));
  }
  check_vector(vector, m_lengths, placed.where);
  return vector;
}

void LineDocuments::check_alike(const Placed& placed) {
  if (!m_has_first) m_encoder = placed.line.encoder;
  m_has_first = true;
  if (placed.line.encoder == m_encoder) return;
  throw Error(ErrorKind::k_model,
              placed.where + ": its encoder is not that of the first line: their vectors cannot be "
                             "compared; import them into stores of their own");
}

}  // namespace vecdb
