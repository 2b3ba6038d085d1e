#include "chunk_json.h"

namespace vecdb {

Json json_of(const StoredChunk& stored) {
  const DocumentRecord& document = stored.document;
  const Chunk& chunk = stored.record.chunk;
  const std::string what = document.uri + ": metadata";
  Json meta = parse_json(merge_json(document.meta, chunk.meta, what, ErrorKind::k_damaged), what,
                         ErrorKind::k_damaged);
  return {{"uri", document.uri},    {"chunk", stored.number}, {"start", chunk.start},
          {"end", chunk.end},       {"line", chunk.line},     {"text", chunk.text},
          {"meta", std::move(meta)}};
}

}  // namespace vecdb
