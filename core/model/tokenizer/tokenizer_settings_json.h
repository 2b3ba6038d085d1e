#pragma once

#include "base/json.h"
#include "model/tokenizer/tokenizer_settings.h"

namespace vecdb {

// model.json's object "tokenizer", as read_manifest reads it.
Json json_of(const TokenizerSettings& settings);

// What a fingerprint says of the settings, the file's content apart. It must stay what it is: a
// store made with a model is only opened with a model of the same fingerprint.
Json identity_of(const TokenizerSettings& settings);

// The inverse of json_of. Throws k_model naming `where` and the key for anything missing, unknown
// or of another type.
TokenizerSettings tokenizer_settings_of(const Json& json, const std::string& where);

}  // namespace vecdb
