#include "chunk_json.h"

namespace vecdb {

Json json_of(const StoredChunk& stored) {
  const DocumentRecord& document = stored.document;
  const Chunk& chunk = stored.record.chunk;
  Json meta = parse_json(document.meta, document.uri + ": metadata", ErrorKind::k_damaged);
  if (!chunk.meta.empty()) {
    meta.update(parse_json(chunk.meta, document.uri + ": metadata", ErrorKind::k_damaged));
  }
  return {{"uri", document.uri},    {"chunk", stored.number}, {"start", chunk.start},
          {"end", chunk.end},       {"line", chunk.line},     {"text", chunk.text},
          {"meta", std::move(meta)}};
}

}  // namespace vecdb
