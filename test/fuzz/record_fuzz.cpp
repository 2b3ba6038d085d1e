// Input: one line of `ingest --jsonl`, or of a benchmark's records; or its judgements.
#include <limits>

#include "base/json.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "text/load/beir.h"
#include "text/load/record.h"

using namespace vecdb;
using fuzz::require;

namespace {

void read_as_benchmark(std::string_view text) {
  const auto record =
      fuzz::unless_refused(ErrorKind::k_io, [&] { return parse_beir_record(text, "fuzz:1"); });
  if (record) {
    require(!record->id.empty() && !find_invalid_utf8(record->id), "no id");
    require(!find_invalid_utf8(record->passage()), "not UTF-8");
  }
  const auto judgements =
      fuzz::unless_refused(ErrorKind::k_io, [&] { return parse_beir_judgements(text, "fuzz"); });
  require(!judgements || !judgements->empty(), "no judgement");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  read_as_benchmark(line);
  const auto record =
      fuzz::unless_refused(ErrorKind::k_io, [&] { return parse_record(line, "fuzz:1"); });
  if (!record) return 0;
  require(!find_invalid_utf8(record->uri) && !find_invalid_utf8(record->text), "not UTF-8");
  if (record->meta) {
    require(record->meta->find('\n') == std::string::npos, "meta is not one line");
    require(parse_json(*record->meta, "meta", ErrorKind::k_io).is_object(), "meta is no object");
  }
  if (!record->ready_chunk) return 0;
  const Chunk& chunk = *record->ready_chunk;
  constexpr std::uint64_t k_most = std::numeric_limits<std::int64_t>::max();
  require(!record->uri.empty(), "a chunk without uri");
  require(!chunk.text.empty() && !find_invalid_utf8(chunk.text), "a chunk without text");
  require(chunk.start <= chunk.end && chunk.end <= k_most, "a chunk's range is none");
  require(chunk.line >= 1 && chunk.line <= k_most, "a chunk's line is none");
  return 0;
}
