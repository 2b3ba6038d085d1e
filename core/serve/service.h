#pragma once

#include <filesystem>
#include <utility>
#include <vector>

#include "base/file.h"
#include "model/embedder.h"
#include "pipeline/store_model.h"
#include "serve/reader_pool.h"
#include "serve/terms.h"

namespace vecdb {

// What a server keeps ready for all who ask: the model with its encoder, and readers of the store.
// For use by several threads.
class Service {
 public:
  // Loads the model and makes the encoder. Throws as embedder_for_store() and StoreReader do.
  Service(const std::filesystem::path& store, const ModelChoice& choice);

  const std::filesystem::path& store() const noexcept { return m_store; }
  const StoreSettings& settings() const noexcept { return m_settings; }
  const Offer& offer() const noexcept { return m_offer; }
  Embedder& embedder() noexcept { return m_embedder; }
  ReaderPool& readers() noexcept { return m_readers; }

  // Whether the model's files are those that were loaded, by place, size and time. Where they are not,
  // nothing may be computed: weights are used where they lie in the mapped file, and who works alone
  // would be told of the damage.
  bool has_unchanged_model() const;

 private:
  StoreSettings m_settings;
  std::filesystem::path m_store;  // without symbolic links: they may lead elsewhere later
  Embedder m_embedder;
  Offer m_offer;
  ReaderPool m_readers;
  std::vector<std::pair<std::filesystem::path, FileStamp>> m_model_files;
};

}  // namespace vecdb
