#pragma once

#include <cstddef>
#include <string_view>

#include "model/tokenizer/tokenizer.h"

namespace vecdb::fuzz {

// What every tokenizer promises: ids below the size of its vocabulary, at most `window` of them,
// and a cut only on the right, in front of the closing token. `text` must be well-formed UTF-8.
void check_tokenizer(const Tokenizer& tokenizer, std::string_view text, std::size_t window);

}  // namespace vecdb::fuzz
