#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "model/embedder.h"
#include "model/model_library.h"
#include "store/store.h"

// Which model and arithmetic go with a store. Both are fixed when it is made: vectors of two models
// have nothing to do with each other, and vectors of two precisions would make an answer depend on
// the day a document was ingested.
namespace vecdb {

struct ModelChoice {
  std::optional<std::string> model;    // a name; nothing: the store's, or the default
  std::optional<Precision> precision;  // nothing: the store's, or the default
  std::string default_model = k_default_model;
  std::optional<Precision> default_precision;  // nothing: this machine's native one
  Engine engine = Engine::k_auto;
  std::size_t threads = 1;
  std::optional<std::size_t> max_memory;  // see Embedder
  std::size_t dimensions = 0;             // of a vector; 0: the store's, or all
  EncoderSource encoder_source;           // see Embedder
};

std::string name_of(Precision precision);  // "f32", "bf16", "int8"
std::optional<Precision> precision_named(std::string_view name);

// The embedder for a store that exists. Throws k_model when the named model is not the store's
// (another fingerprint), k_usage when the precision or the dimensions are not the store's.
Embedder embedder_for_store(const StoreSettings& store, const ModelChoice& choice);

// The embedder where no store decides: for one that is still to be made, or for none.
Embedder embedder_without_store(const ModelChoice& choice);

// What a store made with this embedder records.
StoreSettings settings_of(const Embedder& embedder);

// Throws k_model when the embedder is not the one that the store was made with: compared again
// under the writer's lock, because another process may have made the store meanwhile.
void check_same_model(const StoreSettings& store, const Embedder& embedder);

}  // namespace vecdb
