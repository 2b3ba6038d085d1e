#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/tokenizer_settings.h"

namespace vecdb {

// The tokenizer that the settings describe. `content` is that of settings.file; `name` is the
// file's name for errors. Throws k_model for content that is not of this kind.
std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerSettings& settings,
                                          std::string_view content, const std::string& name);

}  // namespace vecdb
