#pragma once

#include <optional>
#include <string>

#include "pipeline/import.h"
#include "pipeline/ingest.h"
#include "store/chroma_reader.h"

// From the records of a Chroma collection to documents. Records of one `source` (as LangChain's
// metadata has it) are the chunks of a document of that uri; one without is a document by itself,
// whose uri is its id. Chunks have no place in a source: each begins at byte 0, in line 1.
namespace vecdb {

// Documents one after another.
class ChromaDocuments {
 public:
  explicit ChromaDocuments(ChromaReader& reader) : m_reader(reader) {}

  struct Grouped {
    std::string uri;
    std::vector<Chunk> chunks;
    std::vector<std::vector<float>> vectors;  // one a chunk
    std::vector<std::string> ids;             // of the records
  };
  // A document, or a record without text in its place.
  std::optional<std::variant<Grouped, Skipped>> next();

 private:
  ChromaReader& m_reader;
  std::optional<ChromaRecord> m_ahead;
};

// Their texts, for ingest().
class ChromaTexts final : public SourceStream {
 public:
  explicit ChromaTexts(ChromaReader& reader) : m_documents(reader) {}
  std::optional<Source> next() override;

 private:
  ChromaDocuments m_documents;
};

// With the vectors that Chroma has. A record without one is refused: k_io.
class ChromaVectors final : public ImportSource {
 public:
  ChromaVectors(ChromaReader& reader, VectorLengths lengths, IngestObserver& observer)
      : m_documents(reader), m_lengths(lengths), m_observer(observer) {}
  std::optional<ImportedDocument> next() override;
  std::uint64_t skipped() const noexcept { return m_skipped; }

 private:
  ChromaDocuments m_documents;
  VectorLengths m_lengths;
  IngestObserver& m_observer;
  std::uint64_t m_skipped = 0;
};

}  // namespace vecdb
