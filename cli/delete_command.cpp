#include "base/error.h"
#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "store/store.h"
#include "store_path.h"

namespace vecdb {

int run(const DeleteCommand& command, const GlobalOptions& global) {
  auto writer =
      StoreWriter::open(existing_store(global), command.wait_seconds,
                        [&global](const std::string& notice) { print_warning(global, notice); });
  std::vector<std::string> uris;
  std::vector<DocumentSummary> documents;
  for (const auto& name : command.uris) {
    const auto uri = stored_uri(writer, name);
    if (!uri) {
      throw Error(ErrorKind::k_io, name + ": is not in the store; nothing was deleted");
    }
    if (std::find(uris.begin(), uris.end(), *uri) != uris.end()) continue;
    uris.push_back(*uri);
    documents.push_back(*writer.find_document(*uri));
  }
  writer.commit({}, uris);
  for (const DocumentSummary& document : documents) {
    if (global.json) {
      Output::write(dump_json({{"uri", document.record.uri},
                               {"status", "removed"},
                               {"sha256", document.record.sha256},
                               {"chunks", document.chunks}}) +
                    "\n");
    }
  }
  print_warning(global, counted(uris.size(), "document") + " removed");
  return 0;
}

}  // namespace vecdb
