#pragma once

#include <filesystem>
#include <memory>

#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/tokenizer_settings.h"

namespace vecdb {

struct CheckpointTokenizer {
  TokenizerSettings settings;
  std::unique_ptr<Tokenizer> tokenizer;  // of the content that was written
};

// Reads the tokenizer of a Hugging Face checkout on disk and writes the one file that a model
// folder needs of it into the folder `out`:
//   WordPiece, of tokenizer.json or else vocab.txt and tokenizer_config.json: vocab.txt
//   XLM-RoBERTa's sentencepiece.bpe.model, alone or in agreement with tokenizer.json: that file
//   tokenizer.json with BPE, or with Unigram but no sentencepiece.bpe.model: tokenizer.vecdb
// Nothing is guessed: what vecdb cannot do exactly, and files that contradict one another, are
// refused with k_model, naming file and key. Throws k_io when a file cannot be read or written.
CheckpointTokenizer read_checkpoint_tokenizer(const std::filesystem::path& checkout,
                                              const std::filesystem::path& out);

}  // namespace vecdb
