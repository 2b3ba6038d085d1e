#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

int run(const ListCommand&, const GlobalOptions& global) {
  const StoreReader store(existing_store(global));
  const Style style = style_for(global);
  for (const DocumentSummary& document : store.documents()) {
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
                     {"splitter", parse_json(record.splitter, record.uri, ErrorKind::k_damaged)},
                     {"meta", parse_json(record.meta, record.uri, ErrorKind::k_damaged)}}) +
          "\n");
    } else {
      Output::write(style.shown(record.uri) + "\t" + counted(document.chunks, "chunk") + "\n");
    }
  }
  return 0;
}

}  // namespace vecdb
