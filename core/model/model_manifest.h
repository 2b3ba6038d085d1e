#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/encoder/architecture.h"
#include "model/encoder/safetensors.h"
#include "model/tokenizer/tokenizer_settings.h"

namespace vecdb {

// What is done to a text before it is encoded: some models were trained with other words in front
// of a question than of a passage, some have other weights for the two as well.
struct Prompt {
  static constexpr int k_no_task = -1;
  std::string prefix;
  int task = k_no_task;  // index into EncoderShape::adapters
};

// model.json of a model folder: everything that is known of a model, read and never guessed.
// make_model() writes it.
struct ModelManifest {
  struct Tensor {
    DType dtype = DType::k_f32;
    TensorShape shape;
  };
  struct SelfTest {
    std::string text;
    int task = Prompt::k_no_task;
    std::vector<float> vector;  // as made in f32 by PyTorch
  };

  std::string name;
  std::string source;  // where it was pulled from, "REPOSITORY@COMMIT"; else empty
  EncoderShape encoder;
  std::size_t window = 0;               // tokens an encoder sees of a text, special ones included
  std::string pooling;                  // "mean" or "cls"
  bool normalize = false;               // whether the model's own pipeline makes unit vectors
  std::vector<std::size_t> dimensions;  // what a vector may be cut to (Matryoshka), ascending
  Prompt query;                         // of every question
  Prompt passage;                       // of every stored chunk
  std::map<std::string, Prompt> tasks;  // of the tasks that have an adapter, by name
  TokenizerSettings tokenizer;
  std::string licence;
  std::map<std::string, std::string> files;  // name -> sha256, of every file beside model.json
  std::string tensor_prefix;                 // in front of each tensor's name: "bert.", or empty
  std::map<std::string, Tensor> tensors;     // exactly the encoder's, by their names in the file
  std::vector<std::string> ignored_tensors;  // may stand in the weights, are not used
  std::vector<SelfTest> self_tests;

  // Components of a vector that is not cut.
  std::size_t dimension() const noexcept { return encoder.hidden_size; }
};

inline constexpr const char* k_manifest_file = "model.json";
inline constexpr const char* k_graph_file = "encoder.pt";
inline constexpr const char* k_weights_file = "model.safetensors";

// Reads FOLDER/model.json. Throws k_model, naming the key, for anything missing, unknown, of
// another type or out of range, and for tensors that are not those of the architecture; k_io when
// the file cannot be read.
ModelManifest read_manifest(const std::filesystem::path& folder);

// Writes FOLDER/model.json, durably.
void write_manifest(const ModelManifest& manifest, const std::filesystem::path& folder);

// The model's identity, 64 hexadecimal digits: equal exactly when the same text is turned into the
// same vector, up to rounding. Covers weights, sizes, tokenizer, pooling, normalisation, prompts
// and window; not the name, and not the graph, which differs between versions of PyTorch.
std::string fingerprint_of(const ModelManifest& manifest);

}  // namespace vecdb
