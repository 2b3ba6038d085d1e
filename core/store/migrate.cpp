#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "store/catalogue.h"
#include "store/consistency.h"
#include "store/format2_reader.h"
#include "store/head.h"
#include "store/layout.h"
#include "store/lock.h"
#include "store/store.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_batch_chunks = 4096;

bool has_old_format(const StoreLayout& layout) {
  try {
    return read_head(layout.head, k_oldest_store_format).has_value();
  } catch (const Error&) {
    return false;
  }
}

// A new store, or what is left of an older one; of nobody else.
void remove_store(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  refuse_foreign_folder(StoreLayout(folder));
  fs::remove_all(folder, error);
  if (error) throw Error(ErrorKind::k_io, folder.string() + ": cannot remove: " + error.message());
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

void exchange(const fs::path& a, const fs::path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) {
    sync_folder(fs::absolute(a).parent_path());
    return;
  }
  throw Error(ErrorKind::k_io, a.string() + ": cannot change places with " + b.string() + ": " +
                                   last_system_error() +
                                   "; copy the store to another folder and migrate it there");
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
  bool done = false;
  {
    Format2Reader old(layout);
    StoreWriter writer = StoreWriter::open_or_create(made, old.settings(), wait_seconds, notice);
    done = copy_documents(old, writer, documents) && writer.compact();
  }
  if (!done) {
    remove_store(made);
    return 0;
  }
  exchange(layout.folder, made);
  remove_store(made);
  return documents;
}

}  // namespace vecdb
