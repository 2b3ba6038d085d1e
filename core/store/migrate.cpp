#include "base/error.h"
#include "base/interrupt.h"
#include "store/catalogue.h"
#include "store/consistency.h"
#include "store/format2_reader.h"
#include "store/head.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/replacement.h"
#include "store/store.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_batch_chunks = 4096;

bool has_old_format(const StoreLayout& layout) {
  return format_of_head(layout.head) == std::to_string(k_oldest_store_format);
}

// A store of an older format cannot be repaired.
Error not_migrated(const Error& error) {
  const std::string why = error.what();
  return Error(ErrorKind::k_damaged,
               why.substr(0, why.rfind("; ")) +
                   "; restore the store from a backup, or ingest into a new one");
}

// Whether all documents were copied.
bool copy_documents(Format2Reader& old, StoreWriter& to, std::uint64_t& documents) {
  std::vector<NewDocument> batch;
  std::size_t chunks = 0;
  const auto flush = [&] {
    to.commit(batch, {});
    batch.clear();
    chunks = 0;
  };
  old.each_document([&](NewDocument&& document) {
    chunks += document.chunks.size();
    ++documents;
    batch.push_back(std::move(document));
    if (chunks >= k_batch_chunks) flush();
    return pending_interrupt() == 0;
  });
  if (pending_interrupt() != 0) return false;
  flush();
  return true;
}

// Whether all documents were copied. Nobody else may read the new store while it is made.
bool make_store(const StoreLayout& old_layout, const fs::path& made, double wait_seconds,
                const Notice& notice, std::uint64_t& documents) {
  Format2Reader old(old_layout);
  fs::create_directory(made);
  fs::permissions(made, fs::perms::owner_all);
  StoreWriter writer = StoreWriter::open_or_create(made, old.settings(), wait_seconds, notice);
  return copy_documents(old, writer, documents) && writer.compact();
}

}  // namespace

std::optional<std::uint64_t> migrate_store(const fs::path& store, double wait_seconds,
                                           const Notice& notice) {
  if (!is_store(store)) require_store(StoreLayout(store));  // says so
  const StoreLayout layout(fs::canonical(store));
  const fs::path made = layout.folder.string() + ".migrating";
  const StoreLock lock(layout.lock, wait_seconds);
  remove_store(made);  // of an earlier attempt
  if (!has_old_format(layout)) {
    const Head head = require_store(layout);
    compare_with_head(layout, Catalogue::open_to_read(layout.catalogue), head);
    return std::nullopt;
  }

  std::uint64_t documents = 0;
  try {
    if (!make_store(layout, made, wait_seconds, notice, documents)) {
      remove_store(made);
      return 0;
    }
    copy_rights(layout.folder, made);
    exchange_stores(layout.folder, made);
  } catch (const Error& error) {
    if (has_old_format(layout)) remove_store(made);  // else it is the old one
    if (error.kind() == ErrorKind::k_damaged) throw not_migrated(error);
    throw;
  }
  remove_store(made);
  return documents;
}

}  // namespace vecdb
