#pragma once

#include <filesystem>
#include <string>

#include "model/checkpoint/checkpoint_prompts.h"

namespace vecdb {

struct MakeModelOptions {
  std::string name;
  std::string source;         // "REPOSITORY@COMMIT", for people; or empty
  GivenPrefixes prefixes;     // where the checkout names no prompts
  bool link_weights = false;  // share the weights' file with the checkout where the disk can
};

// Turns a Hugging Face checkout on disk into a model folder: fills the empty folder `out` with
// model.json, the graph that was built into vecdb, the weights as they are, and the tokenizer's
// file. No code of the checkout is run and nothing is downloaded. There are self-test vectors when
// the checkout is one whose vectors are known to vecdb.
//
// Throws k_model for everything that the checkout does not say, or says in a way that is not known
// here: its encoder, tokenizer, pooling, or tensors that are not exactly the architecture's, by
// name and shape, and finite. Throws k_io when `out` cannot be written.
void make_model(const std::filesystem::path& checkout, const std::filesystem::path& out,
                const MakeModelOptions& options);

}  // namespace vecdb
