#include "net/checkout.h"

#include <cstdlib>
#include <limits>
#include <optional>

#include "base/cache.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/verified_file.h"
#include "net/checkout_record.h"
#include "net/repository_name.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

using Files = std::map<std::string, FetchedFile>;

fs::path downloads_folder() {
  if (const char* home = std::getenv("VECDB_HOME"); home != nullptr && home[0] != '\0') {
    return fs::path(home) / "downloads";
  }
  const fs::path cache = cache_folder();
  if (cache.empty()) {
    throw Error(ErrorKind::k_io, "downloads: there is no folder for them; set VECDB_HOME");
  }
  return cache / "downloads";
}

fs::path record_of(const fs::path& folder) { return folder.string() + ".json"; }

}  // namespace

CheckoutFolder::CheckoutFolder(const std::string& repository)
    : m_repository(repository), m_folder(downloads_folder() / repository_folder_name(repository)) {}

void CheckoutFolder::lock(CheckoutObserver& observer) {
  make_folders(m_folder);
  m_lock = std::make_unique<FileLock>(m_folder / "LOCK");
  if (m_lock->try_lock(0)) return;
  observer.on_waiting(m_lock->holder());
  if (!m_lock->try_lock(std::numeric_limits<double>::infinity())) {
    throw Error(ErrorKind::k_network,
                m_repository + ": stopped by a signal while waiting for " + m_lock->holder());
  }
}

Checkout CheckoutFolder::open(const std::string& revision) const {
  const std::string what = m_repository + "@" + revision;
  const auto missing = [&](const std::string& why) -> Error {
    return {ErrorKind::k_network, what + ": " + why + "; pull it once without --offline"};
  };
  const auto revisions = read_revisions(m_folder / "revisions.json");
  const auto known = revisions.find(revision);
  const std::string name = known == revisions.end() ? revision : known->second;
  const fs::path folder = m_folder / name;
  if (known == revisions.end() && !is_hex(revision, 40)) throw missing("was never pulled");
  const auto record = read_record(record_of(folder));
  if (!record) throw missing("was not pulled to its end");
  for (const auto& [file, fetched] : record->files) {
    std::error_code ignored;
    if (!fs::exists(folder / file, ignored)) {
      throw missing((folder / file).string() + " is missing");
    }
    if (!has_sha256(MappedFile(folder / file), fetched.sha256)) {
      throw missing((folder / file).string() + " is not what was pulled");
    }
  }
  if (!record->files.contains(k_checkout_weights)) throw missing("was not pulled to its end");
  return {folder, record->source, record->files};
}

Checkout CheckoutFolder::fetch(HttpClient& client, ModelHub& hub, const std::string& revision,
                               const std::string& weights_sha256, CheckoutObserver& observer) {
  const bool pinned = !hub.commit().empty();
  const std::string name = pinned ? hub.commit() : "revision-" + percent_encoded(revision);
  const fs::path folder = m_folder / name;
  make_folders(folder);
  // A commit never changes, so what was there when its checkout was whole is still known.
  const auto before = pinned ? read_record(record_of(folder)) : std::nullopt;
  Checkout checkout{
      folder, m_repository + "@" + (pinned ? name : revision),
      fetch_files(client, hub, folder, before ? before->files : Files(), weights_sha256, observer)};
  write_record(record_of(folder), {checkout.source, checkout.files});
  auto revisions = read_revisions(m_folder / "revisions.json");
  revisions[revision] = name;
  write_revisions(m_folder / "revisions.json", revisions);
  return checkout;
}

}  // namespace vecdb
