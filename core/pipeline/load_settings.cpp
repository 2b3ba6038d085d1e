#include "pipeline/load_settings.h"

#include "base/json.h"

namespace vecdb {

std::string describe(const LoadOptions& options) {
  Json settings = Json::object();
  if (options.type) settings["type"] = name_of(*options.type);
  if (!options.encoding.empty()) settings["encoding"] = options.encoding;
  if (!options.text_field.empty()) settings["text_field"] = options.text_field;
  return dump_json(settings);
}

}  // namespace vecdb
