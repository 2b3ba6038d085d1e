#pragma once

#include <filesystem>

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

 private:
  StoreSettings m_settings;
  std::filesystem::path m_store;  // without symbolic links: they may lead elsewhere later
  Embedder m_embedder;
  Offer m_offer;
  ReaderPool m_readers;
};

}  // namespace vecdb
