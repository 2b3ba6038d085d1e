#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/exchange_line.h"
#include "pipeline/import.h"
#include "pipeline/ingest.h"
#include "pipeline/vector_file.h"

// From lines to documents: consecutive chunks of one uri are one, and so is a text.
namespace vecdb {

// A line, without its end; nothing at the end of the input, and ever after.
using NextLine = std::function<std::optional<std::string>()>;

// Lines of one input, parsed. `uri` is the input's: a record without one is called URI:LINE. Throws
// k_io, naming the line, at the first that is none.
class ExchangeStream {
 public:
  ExchangeStream(NextLine next, std::string uri);

  struct Placed {
    ExchangeLine line;
    std::string where;  // "URI:LINE"
  };
  const Placed* peek();  // the next one; nullptr at the end
  std::optional<Placed> next();

 private:
  NextLine m_next;
  std::string m_uri;
  std::uint64_t m_number = 0;  // of the last line, from 1
  ExchangeLineReader m_reader;
  std::optional<Placed> m_ahead;
};

// Texts, for ingest(): vectors that lines have are left out. Where they are not to be left out a
// line that has one is refused.
class LineSources final : public SourceStream {
 public:
  enum class Vectors { k_leave_out, k_refuse };
  enum class Input { k_file, k_stream };
  LineSources(ExchangeStream& lines, Vectors vectors, Input input);
  std::optional<Source> next() override;
  bool may_wait() const override { return m_input == Input::k_stream; }

 private:
  ExchangeStream& m_lines;
  Vectors m_vectors;
  Input m_input;
};

// Documents with vectors: those in the lines, or row by row those of a file. Throws k_io, naming
// the line, for one without a vector, for a vector that check_vector() refuses, and when there are
// not as many rows as lines.
class LineDocuments final : public ImportSource {
 public:
  // `file` may be null.
  LineDocuments(ExchangeStream& lines, VectorFile* file, VectorLengths lengths);
  std::optional<ImportedDocument> next() override;

 private:
  std::vector<float> vector_of(ExchangeStream::Placed& placed);
  void check_alike(const ExchangeStream::Placed& placed);

  ExchangeStream& m_lines;
  VectorFile* m_file;
  VectorLengths m_lengths;
  std::uint64_t m_rows = 0;  // taken from the file
  bool m_has_first = false;
  std::optional<EncoderIdentity> m_encoder;  // of the first line
  std::size_t m_dimension = 0;               // of the first vector
};

}  // namespace vecdb
