#include "model/encoder/encoder.h"

#include "base/module.h"

namespace vecdb {

void PackedTokens::append(std::span<const TokenId> text) {
  ids.insert(ids.end(), text.begin(), text.end());
  starts.push_back(static_cast<std::int64_t>(ids.size()));
}

std::shared_ptr<const Encoder> make_torch_encoder(const EncoderParts& parts) {
  using MakeEncoder = Encoder* (*)(const EncoderParts&);
  static const auto make = reinterpret_cast<MakeEncoder>(
      module_function("libvecdb_torch.so", "vecdb_make_torch_encoder"));
  return std::shared_ptr<const Encoder>(make(parts));
}

std::string torch_version() { return VECDB_TORCH_VERSION; }

}  // namespace vecdb
