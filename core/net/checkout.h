#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/file_lock.h"
#include "net/checkout_files.h"

namespace vecdb {

// The files of a repository at one revision that a model can be made from, whole and verified, in
// a folder laid out like the repository.
struct Checkout {
  std::filesystem::path folder;
  std::string source;  // "OWNER/NAME@COMMIT", with the revision where the server named no commit
  std::map<std::string, FetchedFile> files;

  const std::string& weights_sha256() const { return files.at(k_checkout_weights).sha256; }
};

// Where checkouts of one repository are kept: in $VECDB_HOME/downloads, or without that variable in
// downloads in the cache folder, because they can be fetched again.
//
//   OWNER--NAME/LOCK            held while something is fetched or made from it
//   OWNER--NAME/COMMIT/         the checkout; FILE.part is a file that is not whole yet
//   OWNER--NAME/COMMIT.json     what is in it; written last, so it stands for a whole checkout
//   OWNER--NAME/revisions.json  {"main": "COMMIT"}: what a revision led to last time
class CheckoutFolder {
 public:
  // Touches nothing yet. Throws k_usage when this is no repository's name.
  explicit CheckoutFolder(const std::string& repository);

  // Takes the lock, waiting for another process as long as that holds it. Throws k_network when a
  // signal ends the waiting, k_io.
  void lock(CheckoutObserver& observer);

  // A checkout that is whole, without the network. Throws k_network naming what is missing or
  // changed.
  Checkout open(const std::string& revision) const;

  // Fetches what is not there yet. `weights_sha256`, when given, must be that of the weights.
  // Throws k_network, k_model when the repository lacks a file that every model has, k_io when the
  // disk is too small, naming the space that it takes.
  Checkout fetch(HttpClient& client, ModelHub& hub, const std::string& revision,
                 const std::string& weights_sha256, CheckoutObserver& observer);

 private:
  std::string m_repository;
  std::filesystem::path m_folder;
  std::unique_ptr<FileLock> m_lock;
};

}  // namespace vecdb
