#pragma once

#include <string>
#include <string_view>

namespace vecdb {

// Normalization form C (UAX #15) by the Unicode version of bert_characters.h. ICU's normalizer
// would insert each mark by itself, in quadratic time for a hostile text; this takes n log n.
std::string compose_canonically(std::string_view text);

}  // namespace vecdb
