#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "model/encoder/architecture.h"

namespace vecdb {

// What a checkout of sentence-transformers says about the way from tokens' vectors to a text's.
struct CheckpointPipeline {
  std::string pooling;  // "mean" or "cls"
  bool normalize = false;
  std::size_t window = 0;               // tokens of a text, special ones included
  std::vector<std::size_t> dimensions;  // what its vectors may be cut to, ascending; or empty
};

// Reads modules.json, the pooling's configuration, sentence_bert_config.json and config.json's
// matryoshka_dimensions. Nothing is defaulted: throws k_model naming file and key for what is not
// said, or not known to vecdb.
CheckpointPipeline read_checkpoint_pipeline(const std::filesystem::path& checkout,
                                            const EncoderShape& shape);

}  // namespace vecdb
