#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "model/encoder/architecture.h"

namespace vecdb {

class JsonFields;

// Far above any published encoder, and low enough for products of sizes not to overflow.
inline constexpr std::uint64_t k_max_encoder_size = 1U << 24U;

// model.json's object "encoder".
Json json_of(const EncoderShape& shape);

// The inverse. Throws k_model naming `where` and the key for anything missing, unknown, of another
// type or out of range.
EncoderShape encoder_shape_of(const Json& json, const std::string& where);

// The sizes and the epsilon, which a checkout's config.json and model.json call by the same names.
void read_sizes(EncoderShape& shape, JsonFields& fields);

// Throws fields.wrong() for sizes that no encoder can have.
void check_shape(const EncoderShape& shape, const JsonFields& fields);

}  // namespace vecdb
