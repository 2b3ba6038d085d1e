#include "serve/terms.h"

#include <cstdlib>

#include "base/file.h"
#include "base/program.h"
#include "model/embedder.h"
#include "model/encoder/native_level.h"
#include "pipeline/store_model.h"

namespace vecdb {

Arithmetic arithmetic_here() {
  Arithmetic here;
  const FileStamp stamp = stamp_of(program_file());
  for (const auto number : {stamp.device, stamp.inode, stamp.size,
                            static_cast<std::uint64_t>(stamp.mtime_ns)}) {
    here.program += std::to_string(number) + " ";
  }
  here.level = native_level().value_or("");
  for (const char* name : {"ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    const char* value = std::getenv(name);
    here.environment += value != nullptr ? std::string(name) + "=" + value + " " : "";
  }
  return here;
}

Offer offer_of(const Embedder& embedder) {
  const ModelManifest& manifest = embedder.model().manifest();
  return {.arithmetic = arithmetic_here(),
          .engine = embedder.engine(),
          .auto_engine = engines_for(manifest.encoder).front(),
          .fingerprint = embedder.model().fingerprint(),
          .precision = name_of(embedder.precision())};
}

std::optional<std::string> objection(const Terms& terms, const Offer& offer) {
  if (terms.arithmetic.program != offer.arithmetic.program) return "it runs another vecdb";
  if (terms.arithmetic != offer.arithmetic) return "it computes for other instructions";
  const Engine engine = terms.engine == Engine::k_auto ? offer.auto_engine : terms.engine;
  if (engine != offer.engine) return "it computes with another engine";
  if (terms.fingerprint && *terms.fingerprint != offer.fingerprint) return "it has another model";
  if (terms.precision && *terms.precision != offer.precision) return "it has another precision";
  return std::nullopt;
}

}  // namespace vecdb
