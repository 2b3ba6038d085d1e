#include "model/encoder.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/error.h"
#include "base/program.h"

namespace vecdb {

void PackedTokens::append(std::span<const TokenId> text) {
  ids.insert(ids.end(), text.begin(), text.end());
  starts.push_back(static_cast<std::int64_t>(ids.size()));
}

namespace {

constexpr const char* k_module_name = "libvecdb_torch.so";
using MakeEncoder = Encoder* (*)(const EncoderParts&);

MakeEncoder load_module() {
  const auto folder = program_folder();
  for (const auto& place : {folder, folder / "../" VECDB_MODULE_FOLDER}) {
    const auto path = place / k_module_name;
    if (!std::filesystem::exists(path)) continue;
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      throw Error(ErrorKind::k_io, path.string() + ": cannot be loaded: " + ::dlerror());
    }
    return reinterpret_cast<MakeEncoder>(::dlsym(handle, "vecdb_make_torch_encoder"));
  }
  throw Error(ErrorKind::k_io, std::string(k_module_name) + ": not found beside " +
                                   folder.string() + "; install vecdb again");
}

}  // namespace

std::shared_ptr<const Encoder> make_torch_encoder(const EncoderParts& parts) {
  static const MakeEncoder make = load_module();
  return std::shared_ptr<const Encoder>(make(parts));
}

std::string torch_version() { return VECDB_TORCH_VERSION; }

}  // namespace vecdb
