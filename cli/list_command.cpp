#include "base/interrupt.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "pipeline/selection.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

namespace {

Json splitter_of(const DocumentRecord& record) {
  return parse_json(record.recipe, record.uri, ErrorKind::k_damaged).value("splitter", Json());
}

Json chunk_keys_of(const DocumentSummary& document) {
  if (document.chunk_keys.empty()) return Json::array();
  return parse_json(document.chunk_keys, document.record.uri, ErrorKind::k_damaged);
}

Json json_of(const DocumentSummary& document) {
  const DocumentRecord& record = document.record;
  return {{"uri", record.uri},
          {"sha256", record.sha256},
          {"size", record.size},
          {"mtime_ns", record.mtime_ns},
          {"chunks", document.chunks},
          {"truncated", document.fits.truncated},
          {"split", document.fits.split},
          {"averaged", document.fits.averaged},
          {"type", record.type},
          {"splitter", splitter_of(record)},
          {"meta", parse_json(record.meta, record.uri, ErrorKind::k_damaged)},
          {"chunk_keys", chunk_keys_of(document)}};
}

}  // namespace

int run(const ListCommand& command, const GlobalOptions& global) {
  const StoreReader store(existing_store(global));
  const Style style = style_for(global);
  const auto print = [&](const DocumentSummary& document) {
    Output::write(global.json ? dump_json(json_of(document)) + "\n"
                              : style.shown(document.record.uri) + "\t" +
                                    counted(document.chunks, "chunk") + "\n");
  };
  if (command.filter) {
    const auto unknown =
        each_passing(store, *command.filter,
                     [&](const DocumentSummary& document, const ChunkRanges&) { print(document); });
    warn_of_unknown_keys(unknown, global);
  } else {
    store.each_document([&](const DocumentSummary& document) {
      print(document);
      return pending_interrupt() == 0;
    });
  }
  return 0;
}

}  // namespace vecdb
