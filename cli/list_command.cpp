#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

namespace {

Json splitter_of(const DocumentRecord& record) {
  return parse_json(record.recipe, record.uri, ErrorKind::k_damaged).value("splitter", Json());
}

}  // namespace

int run(const ListCommand&, const GlobalOptions& global) {
  const StoreReader store(existing_store(global));
  const Style style = style_for(global);
  store.each_document([&](const DocumentSummary& document) {
    const DocumentRecord& record = document.record;
    if (global.json) {
      Output::write(
          dump_json({{"uri", record.uri},
                     {"sha256", record.sha256},
                     {"size", record.size},
                     {"mtime_ns", record.mtime_ns},
                     {"chunks", document.chunks},
                     {"truncated", document.fits.truncated},
                     {"split", document.fits.split},
                     {"averaged", document.fits.averaged},
                     {"type", record.type},
                     {"splitter", splitter_of(record)},
                     {"meta", parse_json(record.meta, record.uri, ErrorKind::k_damaged)}}) +
          "\n");
    } else {
      Output::write(style.shown(record.uri) + "\t" + counted(document.chunks, "chunk") + "\n");
    }
  });
  return 0;
}

}  // namespace vecdb
