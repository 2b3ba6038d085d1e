#include "pipeline/result_json.h"

#include <cmath>

#include "base/json.h"

namespace vecdb {

namespace {

// Seven decimals are what 32-bit components can carry; the ranking uses all digits.
double rounded(double value) { return std::round(value * 1e7) / 1e7; }

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

}  // namespace

std::string chunk_json(const StoredChunk& chunk) { return dump_json(json_of(chunk)); }

std::string hit_json(const std::string& query, std::size_t rank, const Hit& hit) {
  Json line = {{"query", query},
               {"rank", rank},
               {"score", rounded(hit.score)},
               {"distance", rounded(hit.distance)}};
  line.update(json_of(hit.chunk));
  const DocumentRecord& document = hit.chunk.document;
  line["type"] = document.type;
  line["size"] = document.size;
  line["mtime_ns"] = document.mtime_ns;
  return dump_json(line);
}

std::string duplicate_json(std::size_t group, Fate fate, double score, const StoredChunk& chunk) {
  Json line = {{"group", group}, {"kept", fate == Fate::k_kept}, {"score", rounded(score)}};
  line.update(json_of(chunk));
  return dump_json(line);
}

}  // namespace vecdb
