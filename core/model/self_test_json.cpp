#include "model/self_test_json.h"

#include <cmath>

#include "model/json_fields.h"
#include "model/task_name.h"

namespace vecdb {

Json json_of(const std::vector<ModelManifest::SelfTest>& tests, const EncoderShape& encoder) {
  Json json = Json::array();
  for (const auto& test : tests) {
    json.push_back(
        {{"text", test.text}, {"task", task_name(test.task, encoder)}, {"vector", test.vector}});
  }
  return json;
}

std::vector<ModelManifest::SelfTest> self_tests_of(const Json& json, const EncoderShape& encoder,
                                                   const std::string& where) {
  std::vector<ModelManifest::SelfTest> tests;
  for (const auto& value : json) {
    JsonFields fields(value, where);
    ModelManifest::SelfTest test{
        .text = fields.text("text"), .task = task_of(fields, encoder), .vector = {}};
    for (const auto& number : fields.array("vector")) {
      if (!number.is_number() || !std::isfinite(number.get<float>())) {
        throw fields.wrong("a vector holds what is no number");
      }
      test.vector.push_back(number.get<float>());
    }
    if (test.vector.size() != encoder.hidden_size)
      throw fields.wrong("a vector has another dimension");
    fields.finish();
    tests.push_back(std::move(test));
  }
  return tests;
}

}  // namespace vecdb
