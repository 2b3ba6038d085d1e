#pragma once

#include <string>

#include "model/encoder/architecture.h"

namespace vecdb {

class JsonFields;

// The name of an adapter by its index, as Prompt::task has it; empty for none.
std::string task_name(int task, const EncoderShape& encoder);

// The inverse, of the key "task". Throws fields.wrong() when the encoder has no such adapter.
int task_of(JsonFields& fields, const EncoderShape& encoder);

}  // namespace vecdb
