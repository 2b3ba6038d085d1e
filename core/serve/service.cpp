#include "serve/service.h"

#include <algorithm>
#include <memory>

#include "base/memory.h"
#include "serve/batching_encoder.h"

namespace vecdb {

namespace {

namespace fs = std::filesystem;

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

// Before they are proved: then what was proved is what they say.
std::vector<std::pair<fs::path, FileStamp>> files_of(const Model& model) {
  std::vector<std::pair<fs::path, FileStamp>> files;
  const auto add = [&](const std::string& name) {
    const fs::path file = model.folder() / name;
    // The encoder tells of one that is missing.
    if (const auto stamp = find_stamp(file)) files.emplace_back(file, *stamp);
  };
  add(k_manifest_file);
  for (const auto& [name, sha256] : model.manifest().files) add(name);
  return files;
}

}  // namespace

Service::Service(const fs::path& store, const ModelChoice& choice)
    : m_settings(StoreReader(store).settings()),
      m_store(fs::canonical(store)),
      m_embedder(embedder_for_store(m_settings, with_batching(choice))),
      m_offer(offer_of(m_embedder)),  // before libtorch's environment is set for it
      m_readers(m_store, m_settings, choice.threads),
      m_model_files(files_of(m_embedder.model())) {
  m_embedder.encoder();
}

bool Service::has_unchanged_model() const {
  return std::ranges::all_of(m_model_files, [](const auto& each) {
    const auto& [file, then] = each;
    auto now = find_stamp(file);
    if (now) now->ctime_ns = then.ctime_ns;  // a new link to it, or another mode, changes nothing
    return now == then;
  });
}

}  // namespace vecdb
