#pragma once

#include <string>
#include <vector>

#include "model/model_manifest.h"

namespace vecdb {

// The self-test of a model whose fingerprint is known to vecdb (known_checkpoints.json); empty for
// any other. A model that was pulled is so proven without Python.
std::vector<ModelManifest::SelfTest> known_self_tests(const std::string& fingerprint,
                                                      const EncoderShape& encoder);

}  // namespace vecdb
