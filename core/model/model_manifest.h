#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/safetensors.h"
#include "model/tokenizer_settings.h"

namespace vecdb {

// model.json of a model folder: everything that is known of a model, read and never guessed.
// scripts/trace_encoder.py writes it.
struct ModelManifest {
  struct Tensor {
    DType dtype = DType::k_f32;
    std::vector<std::int64_t> shape;
  };
  struct SelfTest {
    std::string text;
    std::vector<float> vector;  // as made in f32 when the model was traced
  };

  std::string name;
  std::string architecture;         // "bert"
  std::size_t dimension = 0;        // of a vector
  std::size_t window = 0;           // tokens an encoder sees of a text, special ones included
  std::size_t vocabulary_size = 0;  // rows of the word embeddings
  std::string pooling;              // "mean" or "cls"
  bool normalize = false;           // whether the model's own pipeline makes unit vectors
  std::string query_prefix;         // put before every question
  std::string passage_prefix;       // put before every stored chunk
  TokenizerSettings tokenizer;
  std::string licence;
  std::map<std::string, std::string> files;  // name -> sha256, of every file beside model.json
  std::map<std::string, Tensor> tensors;     // exactly the graph's parameters
  std::vector<std::string> ignored_tensors;  // may stand in the weights, are not used
  std::vector<SelfTest> self_tests;
};

inline constexpr const char* k_graph_file = "encoder.pt";
inline constexpr const char* k_weights_file = "model.safetensors";

// Reads FOLDER/model.json. Throws k_model, naming the key, for anything missing, unknown, of
// another type or out of range, and k_io when the file cannot be read.
ModelManifest read_manifest(const std::filesystem::path& folder);

// The model's identity, 64 hexadecimal digits: equal exactly when the same text is turned into the
// same vector, up to rounding. Covers weights, tokenizer, pooling, normalisation, prefixes and
// window; not the name, and not the traced graph, which differs between versions of PyTorch.
std::string fingerprint_of(const ModelManifest& manifest);

}  // namespace vecdb
