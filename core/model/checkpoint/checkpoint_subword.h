#pragma once

#include <filesystem>

#include "model/checkpoint/checkpoint_tokenizer_file.h"
#include "model/tokenizer/tokenizer_json.h"

namespace vecdb {

// A tokenizer.json with a BPE model, and one with a Unigram model, as tokenizer.vecdb.
CheckpointFile read_bpe_json(const TokenizerJson& json, const std::filesystem::path& checkout);
CheckpointFile read_unigram_json(const TokenizerJson& json);

}  // namespace vecdb
