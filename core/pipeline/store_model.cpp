#include "pipeline/store_model.h"

#include <stdexcept>

#include "base/error.h"

namespace vecdb {

namespace {

Precision precision_of(const StoreSettings& store) {
  if (const auto precision = precision_named(store.precision)) return *precision;
  throw Error(ErrorKind::k_damaged, "the store: its precision \"" + store.precision +
                                        "\" is not known; run `vecdb verify`");
}

std::string described(const std::string& name, const std::string& fingerprint) {
  return name + " (" + fingerprint.substr(0, 12) + ")";
}

void check_fingerprint(const StoreSettings& store, const Model& model) {
  if (store.fingerprint == model.fingerprint()) return;
  throw Error(ErrorKind::k_model,
              "the store was made with the model " + described(store.model, store.fingerprint) +
                  ", not with " + described(model.manifest().name, model.fingerprint()) +
                  ": their vectors cannot be compared; use the store's model, or ingest into "
                  "another store");
}

}  // namespace

std::string name_of(Precision precision) {
  switch (precision) {
    case Precision::k_f32:
      return "f32";
    case Precision::k_bf16:
      return "bf16";
    case Precision::k_int8:
      return "int8";
  }
  throw std::logic_error("not a precision");
}

std::optional<Precision> precision_named(std::string_view name) {
  for (const Precision precision : {Precision::k_f32, Precision::k_bf16, Precision::k_int8}) {
    if (name == name_of(precision)) return precision;
  }
  return std::nullopt;
}

void check_same_model(const StoreSettings& store, const Embedder& embedder) {
  check_fingerprint(store, embedder.model());
  if (store.precision != name_of(embedder.precision())) {
    throw Error(ErrorKind::k_usage, "--precision " + name_of(embedder.precision()) +
                                        ": the store was made with " + store.precision +
                                        "; leave the flag out, or ingest into another store");
  }
  if (store.dimension != embedder.dimension()) {
    throw Error(ErrorKind::k_usage, "--dimensions " + std::to_string(embedder.dimension()) +
                                        ": the store was made with " +
                                        std::to_string(store.dimension) +
                                        "; leave the flag out, or ingest into another store");
  }
}

Embedder embedder_for_store(const StoreSettings& store, const ModelChoice& choice) {
  Embedder embedder(open_model(choice.model.value_or(store.model)),
                    choice.precision.value_or(precision_of(store)), choice.threads,
                    choice.max_memory, choice.engine, choice.encoder_source);
  check_fingerprint(store, embedder.model());  // before what only its own model can do
  embedder.cut_to(choice.dimensions > 0 ? choice.dimensions : store.dimension);
  check_same_model(store, embedder);
  return embedder;
}

Embedder embedder_without_store(const ModelChoice& choice) {
  const auto precision = choice.precision ? choice.precision : choice.default_precision;
  Embedder embedder(open_model(choice.model.value_or(choice.default_model)),
                    precision.value_or(native_precision()), choice.threads, choice.max_memory,
                    choice.engine, choice.encoder_source);
  if (choice.dimensions > 0) embedder.cut_to(choice.dimensions);
  return embedder;
}

StoreSettings settings_of(const Embedder& embedder) {
  return {.model = embedder.model().manifest().name,
          .fingerprint = embedder.model().fingerprint(),
          .precision = name_of(embedder.precision()),
          .dimension = embedder.dimension()};
}

}  // namespace vecdb
