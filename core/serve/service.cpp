#include "serve/service.h"

#include <memory>

#include "base/memory.h"
#include "serve/batching_encoder.h"

namespace vecdb {

namespace {

ModelChoice with_batching(ModelChoice choice) {
  choice.encoder_source = [threads = choice.threads, most = choice.max_memory](
                              const Model& model, Precision precision, Engine engine) {
    const ModelManifest& manifest = model.manifest();
    return std::make_shared<BatchingEncoder>(
        model.make_encoder(precision, engine), manifest.dimension(),
        ActivationMemory(manifest.encoder), most.value_or(available_memory() / 4), threads);
  };
  return choice;
}

}  // namespace

Service::Service(const std::filesystem::path& store, const ModelChoice& choice)
    : m_settings(StoreReader(store).settings()),
      m_store(std::filesystem::canonical(store)),
      m_embedder(embedder_for_store(m_settings, with_batching(choice))),
      m_offer(offer_of(m_embedder)),  // before libtorch's environment is set for it
      m_readers(m_store, m_settings, choice.threads) {
  m_embedder.encoder();
}

}  // namespace vecdb
