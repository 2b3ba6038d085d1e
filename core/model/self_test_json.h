#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/model_manifest.h"

namespace vecdb {

Json json_of(const std::vector<ModelManifest::SelfTest>& tests, const EncoderShape& encoder);

// The inverse. Throws k_model naming `where` for anything that is not as json_of makes it, and for
// vectors of another dimension.
std::vector<ModelManifest::SelfTest> self_tests_of(const Json& json, const EncoderShape& encoder,
                                                   const std::string& where);

}  // namespace vecdb
