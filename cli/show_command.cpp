#include <charconv>

#include "base/error.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "pipeline/exchange_line.h"
#include "pipeline/result_json.h"
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

// The number after the last '#', when what follows it is one.
std::optional<std::uint64_t> chunk_number(const std::string& id, std::size_t hash) {
  if (hash == std::string::npos) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = id.data() + id.size();
  const auto [stop, error] = std::from_chars(id.data() + hash + 1, end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

int run(const ShowCommand& command, const GlobalOptions& global) {
  const StoreReader store(existing_store(global));
  const Style style = style_for(global);
  const auto missing = [&](const std::string& name) {
    require_absent(store, name);
    return Error(ErrorKind::k_io,
                 command.id + ": is not in the store; `vecdb list` prints what is");
  };
  if (const auto uri = stored_uri(store, command.id)) {
    for (const StoredChunk& chunk : store.chunks_of(*uri)) print(chunk, global, style);
    return 0;
  }
  const auto hash = command.id.rfind('#');
  const auto number = chunk_number(command.id, hash);
  const std::string name = number ? command.id.substr(0, hash) : command.id;
  const auto uri = number ? stored_uri(store, name) : std::nullopt;
  if (!uri) throw missing(name);
  const auto chunks = store.chunks_of(*uri);
  if (*number >= chunks.size()) throw missing(command.id);
  print(chunks[*number], global, style);
  return 0;
}

}  // namespace vecdb
