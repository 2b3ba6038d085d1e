#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/chunk.h"

namespace vecdb {

// One line of `ingest --jsonl`: a text of another program, or a chunk that `split` printed.
struct Record {
  std::string uri;                   // empty: the record has none
  std::string text;                  // a document's, or a chunk's
  std::optional<std::string> meta;   // a JSON object on one line
  std::optional<Chunk> ready_chunk;  // when the record has "chunk" and "start"; text moved into it
  std::uint64_t number = 0;          // of the ready chunk, as the record says
  // Those of the other members that were asked for, by name: JSON on one line.
  std::map<std::string, std::string, std::less<>> others = {};
};

// Throws k_io, naming `where` and the key, for what is not one JSON object with a "text" that is a
// string; for a "uri", "meta", "chunk", "start", "end" or "line" of another type or out of range;
// and for a ready chunk without a uri or without text. Other keys are let be, but for those in
// `others`. A ready chunk without "end" ends after its text, one without "line" stands in line 1.
Record parse_record(std::string_view line, const std::string& where,
                    std::span<const std::string_view> others = {});

}  // namespace vecdb
