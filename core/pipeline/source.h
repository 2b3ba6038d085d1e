#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/chunk.h"
#include "store/store.h"
#include "text/load/file_walk.h"
#include "text/load/loader.h"
#include "text/split/splitter.h"

// From what a user names to chunks: the first half of the pipeline, shared by split and ingest.
namespace vecdb {

// Bytes that are already in memory, under a name: stdin, or the text of a record.
struct NamedBytes {
  enum class Content { k_file, k_text };

  std::string uri;
  std::string bytes;
  std::string meta = {};  // its own, over what the whole ingest says: a JSON object, or nothing
  Content content = Content::k_file;
};

// A document that was split before; its source is not at hand.
struct ReadyChunks {
  std::string uri;
  std::vector<Chunk> chunks;
};

// A document as another store had it: all is known of it but its vectors.
struct KeptDocument {
  DocumentRecord record;
  std::vector<ChunkRecord> chunks;
};

// A document to be, or what was found in its place.
using Source = std::variant<FoundFile, NamedBytes, ReadyChunks, KeptDocument, Skipped>;

// What a document of this source is called.
std::string document_uri(const Source& source);

// The text of a file, or of bytes in memory. A record's text is text, whatever its uri ends with.
Loaded load(const FoundFile& file, const LoadOptions& options);
Loaded load(const NamedBytes& named, const LoadOptions& options);

// What the document says of a chunk, as long as that is being handed out.
class ChunkOrigin {
 public:
  // Bytes at the beginning of the chunk's text that the chunk before it ends with, where both are
  // stretches of the document's text.
  virtual std::size_t repeated() const = 0;

  // What the bytes [begin, end) of its text, whole code points, are as a chunk of their own. Where
  // its text was put together, range and line are those of all of it.
  virtual Chunk part(const Chunk& whole, std::size_t begin, std::size_t end) = 0;

 protected:
  ~ChunkOrigin() = default;
};

// Hands out the chunks of a document as they are found, with ranges in bytes of its source (a byte
// order mark counts), its lines, and what is known of the section that each is from. Throws like
// Splitter::split().
void split_document(const Splitter& splitter, const Document& document,
                    const std::function<void(Chunk, ChunkOrigin&)>& take);

// Why a document of this type has no chunk.
std::string no_chunk_reason(std::string_view type);

// How chunks compare with the size that was asked for; a piece without a separator inside is kept
// whole.
struct ChunkLengths {
  std::size_t oversize = 0;  // chunks longer than the size
  std::size_t longest = 0;   // code points, or what the measure says

  void add(const Chunk& chunk, std::size_t chunk_size, const TextMeasure* measure);
};

// Whether the document has "\r\n" line ends and the separator looks for a bare '\n', so that it
// will not be found where the user probably expects it. Newlines are never translated. Everything
// in the options is filled in.
bool has_line_end_trouble(const SplitterOptions& options, const Document& document);

// What to say of such a document, after "with".
inline constexpr const char* k_line_end_trouble =
    "CRLF line ends, which a separator with a bare newline does not match";

}  // namespace vecdb
