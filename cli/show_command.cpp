#include "base/error.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "pipeline/exchange_line.h"
#include "pipeline/result_json.h"
#include "pipeline/stored_text.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

namespace {

void print(const StoredChunk& chunk, const GlobalOptions& global, const Style& style) {
  const Chunk& part = chunk.record.chunk;
  if (global.json) {
    const Json reading = {{"tokens", chunk.record.tokens},
                          {"truncated", chunk.record.fit == WindowFit::k_truncated},
                          {"fit", name_of(chunk.record.fit)}};
    Output::write(merge_json(chunk_json(chunk), dump_json(reading), chunk.document.uri,
                             ErrorKind::k_damaged) +
                  "\n");
    return;
  }
  Output::write(style.bold(style.shown(chunk.document.uri) + "#" + std::to_string(chunk.number)) +
                style.dim("  line " + std::to_string(part.line) + ", " +
                          std::to_string(chunk.record.tokens) + " tokens" +
                          (chunk.record.fit == WindowFit::k_whole
                               ? ""
                               : std::string(", ") + name_of(chunk.record.fit))) +
                "\n" + style.shown(part.text) + "\n\n");
}

}  // namespace

int run(const ShowCommand& command, const GlobalOptions& global) {
  const StoreReader store(existing_store(global));
  const Style style = style_for(global);
  const auto found = find_stored(store, {.given = command.id, .as_path = uri_of(command.id)});
  if (!found) {
    throw Error(ErrorKind::k_io,
                command.id + ": is not in the store; `vecdb list` prints what is");
  }
  for (const StoredChunk& chunk : store.chunks_of(found->uri)) {
    if (!found->chunk || *found->chunk == chunk.number) print(chunk, global, style);
  }
  return 0;
}

}  // namespace vecdb
