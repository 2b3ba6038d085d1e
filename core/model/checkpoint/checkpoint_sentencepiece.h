#pragma once

#include <filesystem>

#include "model/checkpoint/checkpoint_tokenizer_file.h"
#include "model/tokenizer/tokenizer_json.h"

namespace vecdb {

// XLM-RoBERTa's tokenizer in sentencepiece.bpe.model (`file`), which a tokenizer.json beside it
// must agree with: <s> <pad> </s> <unk>, then the file's pieces from the fourth on, then perhaps
// <mask>.
CheckpointFile read_sentencepiece_json(const TokenizerJson& json,
                                       const std::filesystem::path& file);

// The same without a tokenizer.json; tokenizer_config.json must say that it is XLM-RoBERTa's.
CheckpointFile read_sentencepiece_alone(const std::filesystem::path& checkout,
                                        const std::filesystem::path& file);

}  // namespace vecdb
