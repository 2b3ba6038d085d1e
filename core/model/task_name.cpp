#include "model/task_name.h"

#include <algorithm>

#include "model/json_fields.h"
#include "model/model_manifest.h"

namespace vecdb {

std::string task_name(int task, const EncoderShape& encoder) {
  return task == Prompt::k_no_task ? "" : encoder.adapters[static_cast<std::size_t>(task)];
}

int task_of(JsonFields& fields, const EncoderShape& encoder) {
  const std::string name = fields.text("task");
  if (name.empty()) return Prompt::k_no_task;
  const auto found = std::find(encoder.adapters.begin(), encoder.adapters.end(), name);
  if (found == encoder.adapters.end()) {
    throw fields.wrong("task: there is no adapter \"" + name + "\"");
  }
  return static_cast<int>(found - encoder.adapters.begin());
}

}  // namespace vecdb
