#pragma once
#include <filesystem>

#include "model/tokenizer_settings.h"
namespace vecdb {
TokenizerSettings read_checkpoint_tokenizer(const std::filesystem::path& checkout,
                                            const std::filesystem::path& out);
}
