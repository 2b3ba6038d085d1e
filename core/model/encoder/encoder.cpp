#include "model/encoder/encoder.h"

#include <cstdlib>

#include "base/error.h"
#include "base/module.h"
#include "model/encoder/native_level.h"

namespace vecdb {

namespace {

using MakeEncoder = Encoder* (*)(const EncoderParts&);

// With AMX, libtorch's products in bf16 give a text other last bits in another batch (seen: 8 of 40
// texts); up to AVX512-BF16 they do not. oneDNN reads this once, when it is loaded.
MakeEncoder load_torch() {
  ::setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16", 0);
  return reinterpret_cast<MakeEncoder>(
      module_function("libvecdb_torch.so", "vecdb_make_torch_encoder"));
}

std::shared_ptr<const Encoder> make_torch_encoder(const EncoderParts& parts) {
  static const MakeEncoder make = load_torch();
  return std::shared_ptr<const Encoder>(make(parts));
}

const std::optional<std::string>& level_here() {
  static const std::optional<std::string> level = native_level();
  return level;
}

std::string why_not_native(const EncoderShape& shape) {
  return level_here() ? "does not know the architecture " + shape.architecture
                      : "needs a processor with AVX2";
}

std::shared_ptr<const Encoder> make_native_encoder(const EncoderParts& parts) {
  static const auto make = reinterpret_cast<MakeEncoder>(
      module_function("libvecdb_native_" + *level_here() + ".so", "vecdb_make_native_encoder"));
  return std::shared_ptr<const Encoder>(make(parts));
}

}  // namespace

void PackedTokens::append(std::span<const TokenId> text) {
  ids.insert(ids.end(), text.begin(), text.end());
  starts.push_back(static_cast<std::int64_t>(ids.size()));
}

std::vector<Engine> engines_for(const EncoderShape& shape) {
  const bool native = find_architecture(shape.architecture)->native && level_here().has_value();
  if (native) return {Engine::k_native, Engine::k_torchscript};
  return {Engine::k_torchscript};
}

std::shared_ptr<const Encoder> make_encoder(const EncoderParts& parts, Engine engine) {
  const std::vector<Engine> engines = engines_for(parts.shape);
  if (engine == Engine::k_auto) engine = engines.front();
  const bool native = engines.front() == Engine::k_native;
  if (engine == Engine::k_native && !native) {
    throw Error(ErrorKind::k_model, "--engine native: " + why_not_native(parts.shape) +
                                        "; leave the flag out");
  }
  if (engine == Engine::k_native) return make_native_encoder(parts);
  if (parts.precision == Precision::k_int8) {
    throw Error(ErrorKind::k_model,
                "--precision int8: needs the native engine" +
                    (native ? std::string("; leave --engine torchscript out")
                            : ", which " + why_not_native(parts.shape) + "; say f32 or bf16"));
  }
  return make_torch_encoder(parts);
}

std::string torch_version() { return VECDB_TORCH_VERSION; }

}  // namespace vecdb
