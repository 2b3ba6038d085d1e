#pragma once

#include <filesystem>

#include "model/checkpoint/checkpoint_tokenizer_file.h"
#include "model/tokenizer/tokenizer_json.h"

namespace vecdb {

// BERT's tokenizer in a tokenizer.json; a vocab.txt beside it must agree.
CheckpointFile read_wordpiece_json(const TokenizerJson& json,
                                   const std::filesystem::path& checkout);

// BERT's tokenizer in vocab.txt and tokenizer_config.json.
CheckpointFile read_wordpiece_vocabulary(const std::filesystem::path& checkout);

}  // namespace vecdb
