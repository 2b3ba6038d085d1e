#include <algorithm>

#include "base/error.h"
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

using Documents = std::vector<DocumentSummary>;

Documents find_named(const StoreWriter& store, const std::vector<std::string>& names) {
  std::vector<std::string> uris;
  Documents documents;
  for (const auto& name : names) {
    const auto uri = stored_uri(store, name);
    if (!uri) {
      require_absent(store, name);
      throw Error(ErrorKind::k_io, name + ": is not in the store; nothing was deleted");
    }
    if (std::ranges::count(uris, *uri) > 0) continue;
    uris.push_back(*uri);
    documents.push_back(*store.find_document(*uri));
  }
  return documents;
}

// A document goes as a whole, so all of it must pass.
Documents find_passing(const Filter& filter, const GlobalOptions& global) {
  const StoreReader store(existing_store(global));
  Documents documents;
  const auto take = [&](const DocumentSummary& document, const ChunkRanges& passing) {
    std::uint64_t chunks = 0;
    for (const ChunkRange& range : passing)
      chunks += static_cast<std::uint64_t>(range.end - range.first);
    if (chunks != document.chunks) {
      throw Error(ErrorKind::k_usage,
                  document.record.uri + ": only " + std::to_string(chunks) + " of its " +
                      counted(document.chunks, "chunk") +
                      " pass the filter; nothing was deleted; use what holds of whole documents");
    }
    documents.push_back(document);
  };
  warn_of_unknown_keys(each_passing(store, filter, take), global);
  return documents;
}

}  // namespace

int run(const DeleteCommand& command, const GlobalOptions& global) {
  if (command.uris.empty() && !command.filter) {
    throw Error(ErrorKind::k_usage, "URI is required; name documents, or give --filter");
  }
  if (!command.uris.empty() && command.filter) {
    throw Error(ErrorKind::k_usage,
                "--filter: cannot stand beside uris; give either, or put path in the filter");
  }
  auto writer =
      StoreWriter::open(existing_store(global), command.wait_seconds,
                        [&global](const std::string& notice) { print_warning(global, notice); });
  const Documents documents =
      command.filter ? find_passing(*command.filter, global) : find_named(writer, command.uris);
  if (pending_interrupt() != 0) return 0;  // before all that pass were found
  std::vector<std::string> uris;
  for (const DocumentSummary& document : documents) uris.push_back(document.record.uri);
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
