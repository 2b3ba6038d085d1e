#include "pipeline/import_chroma.h"

#include <utility>

#include "base/error.h"
#include "pipeline/prepare.h"

namespace vecdb {

std::optional<std::variant<ChromaDocuments::Grouped, Skipped>> ChromaDocuments::next() {
  auto record = m_ahead ? std::exchange(m_ahead, std::nullopt) : m_reader.next();
  Grouped grouped;
  std::optional<std::string> source;
  for (; record; record = m_reader.next()) {
    const bool has_text = record->text && !record->text->empty();
    if (!grouped.chunks.empty() && (!has_text || !source || record->source != source)) {
      m_ahead = std::move(record);
      break;
    }
    if (!has_text) return Skipped{record->id, "has no text"};
    source = record->source;
    grouped.uri = source.value_or(record->id);
    grouped.chunks.push_back({.start = 0,
                              .end = record->text->size(),
                              .line = 1,
                              .text = std::move(*record->text),
                              .meta = record->meta == "{}" ? "" : std::move(record->meta)});
    grouped.vectors.push_back(std::move(record->vector));
    grouped.ids.push_back(std::move(record->id));
  }
  if (grouped.chunks.empty()) return std::nullopt;
  return grouped;
}

std::optional<Source> ChromaTexts::next() {
  auto found = m_documents.next();
  if (!found) return std::nullopt;
  if (auto* skipped = std::get_if<Skipped>(&*found)) return std::move(*skipped);
  auto& grouped = std::get<ChromaDocuments::Grouped>(*found);
  return ReadyChunks{std::move(grouped.uri), std::move(grouped.chunks)};
}

std::optional<ImportedDocument> ChromaVectors::next() {
  for (;;) {
    auto found = m_documents.next();
    if (!found) return std::nullopt;
    if (auto* skipped = std::get_if<Skipped>(&*found)) {
      ++m_skipped;
      m_observer.on_event(
          {std::move(skipped->uri), IngestStatus::k_skipped, "", 0, std::move(skipped->reason)});
      continue;
    }
    auto& grouped = std::get<ChromaDocuments::Grouped>(*found);
    ImportedDocument imported;
    imported.where = "record " + grouped.ids.front();
    NewDocument& document = imported.document;
    for (std::size_t i = 0; i < grouped.chunks.size(); ++i) {
      const std::string where = "record " + grouped.ids[i];
      std::vector<float>& vector = grouped.vectors[i];
      if (vector.empty()) {
        throw Error(ErrorKind::k_io, where + ": its vector is not in Chroma's queue of changes, "
                                             "only in its index, which is not read; leave out "
                                             "--trust-vectors to encode the texts");
      }
      if (vector.size() != grouped.vectors.front().size()) {
        throw Error(ErrorKind::k_io,
                    where + ": its vector has " + std::to_string(vector.size()) +
                        " dimensions, others have " + std::to_string(grouped.vectors.front().size()));
      }
      check_vector(vector, m_lengths, where);
      document.vectors.insert(document.vectors.end(), vector.begin(), vector.end());
    }
    document.record = record_of_ready(std::move(grouped.uri), grouped.chunks, "{}",
                                      recipe_of_ready_chunks());
    for (Chunk& chunk : grouped.chunks) document.chunks.push_back({.chunk = std::move(chunk)});
    return imported;
  }
}

}  // namespace vecdb
