#include "serve/terms.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/file.h"
#include "base/program.h"
#include "base/sha256.h"
#include "model/embedder.h"
#include "model/encoder/native_level.h"
#include "pipeline/store_model.h"

namespace vecdb {

namespace {

// The variables of the libraries that libtorch computes with, as a hash: which instructions, modes and
// kernels they use is decided by more of them than are worth a list, and they may be any bytes.
std::string library_variables() {
  constexpr std::array<std::string_view, 4> prefixes{"ATEN_", "DNNL_", "MKL_", "ONEDNN_"};
  std::set<std::string_view> found;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view variable = *each;
    if (std::ranges::any_of(prefixes, [&](auto prefix) { return variable.starts_with(prefix); })) {
      found.insert(variable);
    }
  }
  std::string text;
  for (const std::string_view variable : found) text.append(variable).push_back('\0');
  return text.empty() ? text : sha256_hex(text);
}

}  // namespace

Arithmetic arithmetic_here() {
  Arithmetic here;
  const FileStamp stamp = stamp_of(program_file());
  for (const auto number : {stamp.device, stamp.inode, stamp.size,
                            static_cast<std::uint64_t>(stamp.mtime_ns)}) {
    here.program += std::to_string(number) + " ";
  }
  here.level = native_level().value_or("");
  here.environment = library_variables();
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
