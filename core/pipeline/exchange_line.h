#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"
#include "text/load/record.h"

// The lines that stores are exported to and imported from: JSON Lines, a chunk each, of which every
// line says all that is known of its chunk and its document. docs/CLI.md, "export", has the fields.
namespace vecdb {

const char* name_of(WindowFit fit);  // "whole", …

// Which model made a vector, and with which arithmetic.
struct EncoderIdentity {
  std::string model;
  std::string fingerprint;
  std::string precision;

  friend bool operator==(const EncoderIdentity&, const EncoderIdentity&) = default;
};

EncoderIdentity encoder_of(const StoreSettings& settings);

// Writes lines. What all chunks of a document share is made once.
class ExchangeLines {
 public:
  // `encoder`: what the lines say of their vectors; nothing when they say nothing.
  explicit ExchangeLines(const std::optional<EncoderIdentity>& encoder);

  // What the next lines are about.
  void begin(const DocumentSummary& document);
  // With its line end; good until the next call. `vector` may be empty: then the line has none.
  std::string_view line(ChunkId id, std::uint64_t number, const ChunkRecord& chunk,
                        std::span<const float> vector);

 private:
  std::string m_encoder;   // the member, with a comma in front; or empty
  std::string m_uri;       // as JSON
  std::string m_document;  // the member
  std::string m_line;
};

// What a line says of its chunk's document.
struct ExchangeDocument {
  DocumentRecord record;
  std::uint64_t chunks = 0;  // that the document has
};

// A line as it was read: one that export wrote, or one of another program.
struct ExchangeLine {
  Record record;
  std::uint64_t number = 0;    // of the chunk in its document, where it has one
  std::optional<ChunkId> id;   // in the store that it was exported from
  std::uint32_t tokens = 0;    // 0: not known
  WindowFit fit = WindowFit::k_whole;
  std::optional<ExchangeDocument> document;
  std::optional<EncoderIdentity> encoder;
  std::optional<std::vector<float>> vector;  // its numbers, whatever they are
};

// Reads lines, one after another; what a line shares with the one before it is read once.
class ExchangeLineReader {
 public:
  // Throws k_io, naming `where` and the key, for what parse_record() refuses and for a member of
  // another type or out of range.
  ExchangeLine read(std::string_view line, const std::string& where);

 private:
  std::string m_document_text;
  std::optional<ExchangeDocument> m_document;
  std::string m_encoder_text;
  std::optional<EncoderIdentity> m_encoder;
};

}  // namespace vecdb
