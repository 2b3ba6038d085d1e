#pragma once

#include <string>

#include "base/json.h"
#include "model/architecture.h"

namespace vecdb {

class JsonFields;

// model.json's object "encoder".
Json json_of(const EncoderShape& shape);

// The inverse. Throws k_model naming `where` and the key for anything missing, unknown, of another
// type or out of range.
EncoderShape encoder_shape_of(const Json& json, const std::string& where);

// Throws fields.wrong() for sizes that no encoder can have.
void check_shape(const EncoderShape& shape, const JsonFields& fields);

}  // namespace vecdb
